//! Asking a segment who has an address, and telling it: frames of the test's own.
//!
//! No answer is told from one that is late by asking for something else after it: a host answers in the order in which
//! it was asked.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Read as _},
    net::IpAddr,
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use etherparse::PacketBuilder;
use lb_tests::lab::{INTERFACE, Lab, Namespace, Node};
use nix::{
    ifaddrs::getifaddrs,
    sys::socket::{LinkAddr, SockaddrLike as _, bind},
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::stage::LIMIT;

pub(crate) type Mac = [u8; 6];

/// How often it is looked whether the limit has come.
const PATIENCE: Duration = Duration::from_millis(100);
const BROADCAST: Mac = [0xff; 6];
/// `ETH_P_ALL`, in network order.
const EVERYTHING: i32 = 0x0300;
/// What a sender is told whose frame a tc program stops.
const ENOBUFS: i32 = 105;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// The MAC address of a host of the lab.
pub(crate) fn mac(namespace: &Namespace) -> Mac {
    namespace.enter(|| link(INTERFACE)).expect("the namespace").addr().expect("a MAC address")
}

/// A host's ear and mouth: a packet socket on its interface.
pub(crate) struct Voice {
    socket: Socket,
    mac: Mac,
    node: Node,
}

impl Voice {
    /// Of a node of the lab.
    pub(crate) fn of(lab: &Lab, node: &str) -> Self {
        Self::on(lab, node, INTERFACE)
    }

    /// Of a node of the lab, on another one of its interfaces.
    pub(crate) fn on(lab: &Lab, node: &str, interface: &str) -> Self {
        let namespace = lab.namespace(node);
        let (socket, link) =
            namespace.enter(|| (open(interface), link(interface))).expect("the namespace");
        let node = if node == "client" {
            lab.topology().client_gateway()
        } else {
            lab.topology().find(node).expect("a node")
        };
        Self { socket, mac: link.addr().expect("a MAC address"), node }
    }

    /// The MAC addresses that answer for `vip`. `controls` are addresses of hosts that may answer for it: their answers
    /// for those end it.
    pub(crate) fn who_has(&self, vip: IpAddr, controls: &[IpAddr]) -> BTreeSet<Mac> {
        self.drain();
        self.ask(&[&[vip], controls].concat());
        self.gather(vip, controls)
    }

    /// The MAC address in each answer for a VIP on a macvlan. The kernel hands broadcasts on to those a little later, so
    /// such a host answers for `controls` first: they are asked for until there is an answer, and once more.
    pub(crate) fn late_answers(&self, vip: IpAddr, controls: &[IpAddr]) -> Vec<Mac> {
        let begin = Instant::now();
        self.drain();
        self.ask(&[&[vip], controls].concat());
        let mut found = self.gather_all(vip, controls);
        loop {
            let enough = !found.is_empty();
            self.ask(controls);
            found.extend(self.gather_all(vip, controls));
            if enough {
                return found;
            }
            assert!(begin.elapsed() < LIMIT, "nobody answers for {vip}");
        }
    }

    fn ask(&self, addresses: &[IpAddr]) {
        for address in addresses {
            let frame = self.question(*address);
            self.socket.send(&frame).expect("a frame is sent");
        }
    }

    /// Waits until each of `controls` was claimed, and says who has claimed `vip` until then.
    pub(crate) fn gather(&self, vip: IpAddr, controls: &[IpAddr]) -> BTreeSet<Mac> {
        self.gather_all(vip, controls).into_iter().collect()
    }

    fn gather_all(&self, vip: IpAddr, controls: &[IpAddr]) -> Vec<Mac> {
        let (begin, mut left) = (Instant::now(), controls.to_vec());
        let mut found = Vec::new();
        while !left.is_empty() {
            assert!(begin.elapsed() < LIMIT, "nothing of {left:?}; {vip}: {found:?}");
            let Some((address, mac)) = self.hear() else { continue };
            left.retain(|control| *control != address);
            if address == vip {
                found.push(mac);
            }
        }
        found
    }

    /// Says that an address is here, or is kept from it by whoever stands at the way out.
    pub(crate) fn claim(&self, address: IpAddr) {
        let frame = match address {
            IpAddr::V4(_) => self.arp(address, address),
            IpAddr::V6(_) => self.discovery(ADVERTISEMENT, address, address),
        };
        match self.socket.send(&frame) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(ENOBUFS) => {}
            Err(error) => panic!("a frame is sent: {error}"),
        }
    }

    /// Forgets what was heard.
    pub(crate) fn drain(&self) {
        self.socket.set_nonblocking(true).expect("a socket");
        while (&self.socket).read(&mut [0; 2_048]).is_ok() {}
        self.socket.set_nonblocking(false).expect("a socket");
    }

    /// The next statement of who has what; `None` where nothing was said for a while.
    fn hear(&self) -> Option<(IpAddr, Mac)> {
        let mut frame = [0; 2_048];
        let length = match (&self.socket).read(&mut frame) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        };
        let frame = &frame[..length];
        let mac = frame[6..12].try_into().expect("six bytes");
        let claim = match frame[12..14] {
            // A reply, or gratuitous.
            [8, 6] if frame[21] == 2 || frame[28..32] == frame[38..42] => {
                IpAddr::from(<[u8; 4]>::try_from(&frame[28..32]).expect("four bytes"))
            }
            [0x86, 0xdd] if frame[20] == 58 && frame[54] == ADVERTISEMENT => {
                IpAddr::from(<[u8; 16]>::try_from(&frame[62..78]).expect("sixteen bytes"))
            }
            _ => return None,
        };
        // What it says itself is heard, too.
        (mac != self.mac).then_some((claim, mac))
    }

    fn question(&self, address: IpAddr) -> Vec<u8> {
        match address {
            IpAddr::V4(_) => self.arp(self.node.ipv4.expect("IPv4").into(), address),
            IpAddr::V6(_) => {
                self.discovery(SOLICITATION, self.node.ipv6.expect("IPv6").into(), address)
            }
        }
    }

    fn arp(&self, sender: IpAddr, target: IpAddr) -> Vec<u8> {
        let (IpAddr::V4(sender), IpAddr::V4(target)) = (sender, target) else {
            panic!("ARP is for IPv4")
        };
        let head = [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
        [&BROADCAST, &self.mac, &head[..], &self.mac, &sender.octets(), &[0; 6], &target.octets()]
            .concat()
    }

    /// To all nodes, which a solicitation may be sent to as well.
    fn discovery(&self, kind: u8, source: IpAddr, target: IpAddr) -> Vec<u8> {
        let (IpAddr::V6(source), IpAddr::V6(target)) = (source, target) else {
            panic!("neighbour discovery is for IPv6")
        };
        let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let (flags, option) = if kind == SOLICITATION { (0, 1) } else { (0x20, 2) };
        let message = [&target.octets()[..], &[option, 1], &self.mac].concat();
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(self.mac, [0x33, 0x33, 0, 0, 0, 1])
            .ipv6(source.octets(), group, 255)
            .icmpv6_raw(kind, 0, [flags, 0, 0, 0])
            .write(&mut frame, &message)
            .expect("a Vec takes everything");
        frame
    }
}

fn open(interface: &str) -> Socket {
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(EVERYTHING)))
        .expect("a packet socket: root may");
    bind(socket.as_raw_fd(), &link(interface)).expect("it can be bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    socket
}

/// An interface of the calling thread's network namespace.
fn link(interface: &str) -> LinkAddr {
    getifaddrs()
        .expect("interfaces")
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address?.as_link_addr().copied())
        .filter(|link| link.family().is_some())
        .expect("an interface")
}
