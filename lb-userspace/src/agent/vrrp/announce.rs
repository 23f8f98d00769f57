//! Telling the neighbours who has an address now: gratuitous ARP and unsolicited neighbour advertisements; and whatever
//! else is to leave with a MAC address of our choice.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use nix::sys::socket::bind;
use socket2::{Domain, Protocol, Socket, Type};

use crate::agent::neighbour::{frames, link_address};
use crate::agent::netlink::Mac;

/// A packet socket that only sends.
#[derive(Debug)]
pub(super) struct Announcer {
    socket: Socket,
}

impl Announcer {
    /// Opens one on an interface.
    ///
    /// # Errors
    /// No CAP_NET_RAW, no such interface.
    pub(super) fn open(interface: u32) -> io::Result<Self> {
        // Protocol 0: nothing is received.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
        socket.set_nonblocking(true)?;
        bind(socket.as_raw_fd(), &link_address(interface)?)?;
        Ok(Self { socket })
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// The interface is down, or its queue is full.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame).map(drop)
    }

    /// Tells everyone on the segment that `address` is behind `mac`: an ARP request whose sender and target are the
    /// address, or an unsolicited neighbour advertisement.
    ///
    /// # Errors
    /// The interface is down, or its queue is full: it is told again anyway.
    pub(super) fn tell(&self, address: IpAddr, mac: Mac, router: bool) -> io::Result<()> {
        let frame = match address {
            IpAddr::V4(address) => frames::arp_request(mac, Some(address), address),
            IpAddr::V6(address) => frames::unsolicited_advertisement(mac, address, router),
        };
        frame.map_or(Ok(()), |frame| self.send(&frame))
    }
}
