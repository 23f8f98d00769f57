//! Raw sockets for VRRP: one for each interface and IP protocol, bound to the interface.
//!
//! IPv4 packets go out and come in with their header (AH signs it). An IPv6 header is the kernel's business: what
//! we need to know of it comes beside the packet.

use std::io::{self, ErrorKind, IoSliceMut, Read as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use nix::cmsg_space;
use nix::libc::{in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::{Interest, unix::AsyncFd};

use crate::vrrp::{
    packet::{GROUP_V4, GROUP_V6, HOPS, Outgoing, Packet, TRAFFIC_CLASS},
    types::Family,
};

/// The longest advertisement there can be (255 IPv6 addresses) fits; longer packets are cut, and refused for their
/// length.
pub(super) const LONGEST: usize = 4_608;

/// A raw socket on one interface.
#[derive(Debug)]
pub(super) struct RawSocket {
    socket: AsyncFd<Socket>,
    interface: u32,
    family: Family,
}

impl RawSocket {
    /// Opens one for `protocol` that hears what is sent to the group, and to this host alone.
    ///
    /// # Errors
    /// No CAP_NET_RAW, no such interface, no IPv6 on it.
    pub(super) fn open(
        name: &str,
        interface: u32,
        family: Family,
        protocol: u8,
    ) -> io::Result<Self> {
        let domain = if family == Family::V6 { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(protocol))))?;
        socket.set_nonblocking(true)?;
        socket.bind_device(Some(name.as_bytes()))?;
        match family {
            Family::V4 => {
                socket.set_header_included_v4(true)?;
                socket.set_multicast_loop_v4(false)?;
                let index = InterfaceIndexOrAddress::Index(interface);
                socket.join_multicast_v4_n(&GROUP_V4, &index)?;
            }
            Family::V6 => {
                socket.set_multicast_hops_v6(HOPS.into())?;
                socket.set_unicast_hops_v6(HOPS.into())?;
                socket.set_tclass_v6(TRAFFIC_CLASS.into())?;
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_if_v6(interface)?;
                socket.set_recv_hoplimit_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                socket.join_multicast_v6(&GROUP_V6, interface)?;
            }
        }
        #[expect(
            deprecated,
            reason = "`register` is unsafe since a type may lie about its descriptor; Socket owns \
                      one descriptor all its life"
        )]
        let socket = AsyncFd::new(socket)?;
        Ok(Self { socket, interface, family })
    }

    /// Sends a packet from `source`, an address of the interface. Never waits: an advertisement that finds no room
    /// in the card's queue is late already.
    ///
    /// # Errors
    /// The interface is down, its queue is full, or `source` is not on it.
    pub(super) fn send(&self, source: IpAddr, packet: &Outgoing) -> io::Result<()> {
        let socket = self.socket.get_ref();
        match (source, packet.destination) {
            (IpAddr::V6(source), IpAddr::V6(to)) => {
                let info = in6_pktinfo {
                    ipi6_addr: in6_addr { s6_addr: source.octets() },
                    ipi6_ifindex: self.interface,
                };
                let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, self.interface));
                let bytes = [io::IoSlice::new(&packet.bytes)];
                let source = [ControlMessage::Ipv6PacketInfo(&info)];
                sendmsg(socket.as_raw_fd(), &bytes, &source, MsgFlags::empty(), Some(&to))?;
            }
            // The header is in the packet, and the source in the header.
            (_, IpAddr::V4(to)) => {
                socket.send_to(&packet.bytes, &SocketAddrV4::new(to, 0).into())?;
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => return Err(ErrorKind::InvalidInput.into()),
        }
        Ok(())
    }

    /// Ready when a packet may wait.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        // An error is read like a packet.
        self.socket.poll_read_ready(context).map(|_| ())
    }

    /// Puts the next packet that waits into `room`, which holds [`LONGEST`] bytes. `None`: none waits.
    ///
    /// # Errors
    /// The interface has gone down (it may come up again) or is gone.
    pub(super) fn receive<'a>(&self, room: &'a mut [u8]) -> io::Result<Option<Packet<'a>>> {
        let received = self.socket.try_io(Interest::READABLE, |socket| match self.family {
            Family::V4 => Ok(((&mut &*socket).read(room)?, None)),
            Family::V6 => receive6(socket, room),
        });
        let (length, header) = match received {
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = room.get(..length).unwrap_or_default();
        Ok(Some(match header {
            None => Packet::V4(bytes),
            Some(Header6 { source, destination, hop_limit }) => {
                Packet::V6 { source, destination, hop_limit, payload: bytes }
            }
        }))
    }
}

/// What the kernel tells of an IPv6 header.
struct Header6 {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
}

fn receive6(socket: &Socket, room: &mut [u8]) -> io::Result<(usize, Option<Header6>)> {
    let mut slices = [IoSliceMut::new(room)];
    let mut space = cmsg_space!(i32, in6_pktinfo);
    let (fd, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    let message = recvmsg::<SockaddrIn6>(fd, &mut slices, Some(&mut space), flags)?;
    let source = message.address.map(|address| address.ip());
    let (mut destination, mut hop_limit) = (None, None);
    for beside in message.cmsgs()? {
        match beside {
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            ControlMessageOwned::Ipv6HopLimit(hops) => hop_limit = u8::try_from(hops).ok(),
            _ => {}
        }
    }
    // All three were asked for when the socket was opened.
    let header =
        || Some(Header6 { source: source?, destination: destination?, hop_limit: hop_limit? });
    header().map_or(Err(ErrorKind::InvalidData.into()), |header| Ok((message.bytes, Some(header))))
}
