//! Whole frames into and out of a node's interface.

use std::io::{ErrorKind, IoSliceMut};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, bind, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::namespace::Namespace;
use super::network::INTERFACE;

/// The longest frame of the lab, with room to spare.
const LONGEST: usize = 2_048;
/// Some seconds of advertisements every 10 ms.
const ROOM: usize = 1 << 20;

/// A frame that came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// When the kernel took it in, on the system's clock (since 1970).
    pub at: Duration,
    /// From the destination's MAC address on.
    pub bytes: Vec<u8>,
}

/// A packet socket on [`INTERFACE`] of a node.
#[derive(Debug)]
pub struct PacketSocket(Socket);

impl PacketSocket {
    /// Opens one that hears frames of this EtherType, whomever they are for.
    pub fn open(namespace: &Namespace, ether_type: u16) -> Result<Self> {
        namespace.enter(|| open(ether_type))?.map(Self).context("opening a packet socket")
    }

    /// Sends a frame.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        self.0.send(frame).map(drop).context("sending a frame")
    }

    /// The next frame that comes before `deadline`.
    pub fn next(&self, deadline: Instant) -> Result<Option<Frame>> {
        let left = deadline.saturating_duration_since(Instant::now());
        // Zero would wait for ever.
        self.0.set_read_timeout(Some(left.max(Duration::from_micros(1))))?;
        let mut room = [0; LONGEST];
        let (length, at) = {
            let mut slices = [IoSliceMut::new(&mut room)];
            let mut space = cmsg_space!(TimeSpec);
            let received =
                recvmsg::<()>(self.0.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty());
            let message = match received.map_err(std::io::Error::from) {
                Ok(message) => message,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error).context("receiving a frame"),
            };
            let at = message.cmsgs()?.find_map(|beside| match beside {
                ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                _ => None,
            });
            (message.bytes, at.context("a frame without a time")?)
        };
        Ok(Some(Frame { at, bytes: room[..length].to_vec() }))
    }
}

fn open(ether_type: u16) -> Result<Socket> {
    // A packet socket takes its protocol in network order.
    let protocol = Protocol::from(i32::from(ether_type.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
    socket.set_recv_buffer_size(ROOM)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    let index = if_nametoindex(INTERFACE)?;
    let address = getifaddrs()?
        .filter_map(|entry| entry.address?.as_link_addr().copied())
        .find(|address| u32::try_from(address.ifindex()) == Ok(index))
        .with_context(|| format!("{INTERFACE} has no link address"))?;
    bind(socket.as_raw_fd(), &address)?;
    Ok(socket)
}
