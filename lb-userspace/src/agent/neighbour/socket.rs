//! A packet socket for our own ARP requests and neighbour solicitations on one interface.
//!
//! Opened only where the kernel does not resolve by itself. A filter in the kernel lets through
//! ARP replies, or neighbour advertisements, and nothing else.

use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, SockaddrLike, bind};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::frames;
use super::table::Key;
use crate::agent::netlink::Mac;

/// Which protocol resolves an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resolution {
    Arp,
    NeighbourDiscovery,
}

impl Resolution {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Arp,
            IpAddr::V6(_) => Self::NeighbourDiscovery,
        }
    }
}

/// The socket; its reader ends with it.
#[derive(Debug)]
pub(super) struct PacketSocket {
    socket: Arc<AsyncFd<Socket>>,
    reader: AbortHandle,
}

impl Drop for PacketSocket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl PacketSocket {
    /// Opens one on an interface. When `answers` is full, answers are dropped; who is still
    /// wanted is asked again.
    pub(super) fn open(
        interface: u32,
        resolution: Resolution,
        answers: mpsc::Sender<(Key, Mac)>,
    ) -> io::Result<Self> {
        let (ether_type, filter) = match resolution {
            Resolution::Arp => (libc::ETH_P_ARP, arp_replies()),
            Resolution::NeighbourDiscovery => (libc::ETH_P_IPV6, advertisements()),
        };
        // A packet socket takes its protocol in network order.
        let protocol = u16::try_from(ether_type).map_err(io::Error::other)?.to_be();
        let protocol = Protocol::from(i32::from(protocol));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
        socket.set_nonblocking(true)?;
        socket.attach_filter(&filter)?;
        bind(socket.as_raw_fd(), &link_address(interface)?)?;
        drain(&socket)?;
        #[expect(
            deprecated,
            reason = "`register` is unsafe since a type may lie about its descriptor; Socket owns \
                      one descriptor all its life"
        )]
        let socket = Arc::new(AsyncFd::new(socket)?);
        let reader = tokio::spawn(read(Arc::clone(&socket), interface, answers)).abort_handle();
        Ok(Self { socket, reader })
    }

    /// Sends a frame, or says why not (also when the card's queue is full: it is asked again).
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.get_ref().send(frame).map(drop)
    }
}

async fn read(socket: Arc<AsyncFd<Socket>>, interface: u32, answers: mpsc::Sender<(Key, Mac)>) {
    let mut frame = [0; 256];
    loop {
        let Ok(mut ready) = socket.readable().await else { return };
        match ready.try_io(|socket| socket.get_ref().read(&mut frame)) {
            Ok(Ok(length)) => {
                if let Some((address, mac)) = frame.get(..length).and_then(frames::answer) {
                    let _ = answers.try_send((Key { interface, address }, mac));
                }
            }
            // The interface went down; it may come up again.
            Ok(Err(error)) if error.raw_os_error() == Some(libc::ENETDOWN) => {}
            Ok(Err(_)) => return,
            Err(_would_block) => {}
        }
    }
}

/// Between its making and the bind, a packet socket hears every interface: forget what it heard.
fn drain(socket: &Socket) -> io::Result<()> {
    let mut frame = [0; 256];
    loop {
        match (&mut &*socket).read(&mut frame) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The address to bind to, as the system's list of interfaces has it: with the index, and without
/// a protocol, which leaves the socket its own.
pub(in crate::agent) fn link_address(interface: u32) -> Result<LinkAddr, Errno> {
    getifaddrs()?
        .filter_map(|entry| entry.address?.as_link_addr().copied())
        .find(|address| u32::try_from(address.ifindex()) == Ok(interface))
        .filter(|address| address.family().is_some())
        .ok_or(Errno::ENODEV)
}

/// Keep at most this much of a frame; 0 drops it.
const KEEP: u32 = 256;

fn statement(code: u32, value: u32) -> SockFilter {
    SockFilter::new(u16::try_from(code).unwrap_or_default(), 0, 0, value)
}

/// Skips one statement when equal, `otherwise` of them when not.
fn unless_equal(value: u32, otherwise: u8) -> SockFilter {
    let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    SockFilter::new(u16::try_from(code).unwrap_or_default(), 0, otherwise, value)
}

/// Operation (at 20) is reply.
fn arp_replies() -> Vec<SockFilter> {
    vec![
        statement(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, 20),
        unless_equal(2, 1),
        statement(libc::BPF_RET | libc::BPF_K, KEEP),
        statement(libc::BPF_RET | libc::BPF_K, 0),
    ]
}

/// Next header (at 20) is ICMPv6, type (at 54) is neighbour advertisement.
fn advertisements() -> Vec<SockFilter> {
    vec![
        statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 20),
        unless_equal(58, 3),
        statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 54),
        unless_equal(136, 1),
        statement(libc::BPF_RET | libc::BPF_K, KEEP),
        statement(libc::BPF_RET | libc::BPF_K, 0),
    ]
}
