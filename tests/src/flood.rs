//! A flood of TCP packets from addresses nobody has, bounded in number, rate and time.
//!
//! It is for the client of a lab: the packets go to a VIP inside, and answers to them must find no way out.

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::Namespace;

/// Packets a system call: fewer than the receive queue of a veth holds (256).
const BATCH: usize = 64;
const PACKET: usize = IP_HEADER + TCP_HEADER;
const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
/// As TCP's checksum counts them.
const PROTOCOL_AND_LENGTH: u32 = 6 + 20;
/// A raw socket that only sends.
const IPPROTO_RAW: i32 = 255;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where to.
    pub target: SocketAddrV4,
    /// The network of the senders: each packet has an address and a port of its own, drawn from all of it.
    pub sources: (Ipv4Addr, u8),
    /// How many packets.
    pub packets: u64,
    /// Of 100 packets, so many are ACKs of connections that do not exist; the others are SYNs.
    pub acks: u8,
    /// How many a second at most.
    pub rate: u32,
    /// The end, whatever was sent until then.
    pub limit: Duration,
    /// Draws the addresses: the same number draws the same.
    pub seed: u64,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// SYNs.
    pub syns: u64,
    /// ACKs.
    pub acks: u64,
    /// In this time.
    pub time: Duration,
}

impl Sent {
    /// Packets a second.
    pub fn rate(&self) -> f64 {
        (self.syns + self.acks) as f64 / self.time.as_secs_f64()
    }
}

/// Floods out of a namespace until the plan's end.
pub fn run(namespace: &Namespace, plan: &Plan) -> Result<Sent> {
    ensure!(plan.sources.1 < 32 && plan.acks <= 100 && plan.rate > 0, "not a flood: {plan:?}");
    namespace.enter(|| send(plan))?.context("flooding")
}

fn send(plan: &Plan) -> Result<Sent> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(IPPROTO_RAW)))?;
    socket.set_header_included_v4(true)?;
    let mut draw = Draw(plan.seed);
    let mut sent = Sent::default();
    let mut packets = vec![[0; PACKET]; BATCH];
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let targets = [Some(SockaddrIn::from(plan.target)); BATCH];
    let begin = Instant::now();
    while sent.syns + sent.acks < plan.packets && begin.elapsed() < plan.limit {
        let left = usize::try_from(plan.packets - sent.syns - sent.acks).unwrap_or(BATCH);
        let batch = &mut packets[..left.min(BATCH)];
        for packet in &mut *batch {
            *packet = draw.packet(plan);
        }
        let slices: Vec<_> = batch.iter().map(|packet| [IoSlice::new(packet)]).collect();
        let descriptor = socket.as_raw_fd();
        let results = sendmmsg(descriptor, &mut headers, &slices, targets, [], MsgFlags::empty())?;
        let taken = results.count();
        let acks = batch[..taken].iter().filter(|packet| flags(packet) == ACK).count();
        sent.acks += acks as u64;
        sent.syns += (taken - acks) as u64;
        let due = (sent.syns + sent.acks) as f64 / f64::from(plan.rate);
        thread::sleep(Duration::from_secs_f64(due).saturating_sub(begin.elapsed()));
    }
    sent.time = begin.elapsed();
    Ok(sent)
}

/// SplitMix64: quick, and the same on each machine.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// The next packet of the flood: RFC 791, section 3.1, and RFC 9293, section 3.1, without options.
    fn packet(&mut self, plan: &Plan) -> [u8; PACKET] {
        let [number, other] = [self.next(), self.next()];
        let (network, prefix) = plan.sources;
        let [h0, h1, h2, h3, a0, a1, a2, a3] = number.to_be_bytes();
        let host = u32::from_be_bytes([h0, h1, h2, h3]) & (u32::MAX >> prefix);
        let source = Ipv4Addr::from_bits(network.to_bits() | host).octets();
        let target = plan.target.ip().octets();
        let [p0, p1, draw, _, s0, s1, s2, s3] = other.to_be_bytes();
        let junk = u32::from(draw) * 100 < u32::from(plan.acks) * 256;
        let (kind, acknowledged) = if junk { (ACK, [a0, a1, a2, a3]) } else { (SYN, [0; 4]) };
        let [t0, t1] = plan.target.port().to_be_bytes();

        let mut packet = [0; PACKET];
        // The kernel fills in length, identification and the header's checksum.
        packet[0] = 0x45;
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = 6;
        packet[12..16].copy_from_slice(&source);
        packet[16..20].copy_from_slice(&target);
        // No port below 1024.
        packet[20..24].copy_from_slice(&[p0 | 0x04, p1, t0, t1]);
        packet[24..28].copy_from_slice(&[s0, s1, s2, s3]);
        packet[28..32].copy_from_slice(&acknowledged);
        packet[32..36].copy_from_slice(&[0x50, kind, 0xff, 0xff]);
        let checksum = checksum(&packet);
        packet[36..38].copy_from_slice(&checksum);
        packet
    }
}

fn flags(packet: &[u8; PACKET]) -> u8 {
    packet[IP_HEADER + 13]
}

/// TCP's checksum, its field being zero: over both addresses, the protocol, the length, and the segment.
fn checksum(packet: &[u8; PACKET]) -> [u8; 2] {
    let words =
        packet[12..].chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum = words.sum::<u32>() + PROTOCOL_AND_LENGTH;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plan() -> Plan {
        Plan {
            target: SocketAddrV4::new(Ipv4Addr::new(10, 8, 8, 40), 80),
            sources: (Ipv4Addr::new(100, 64, 0, 0), 10),
            packets: 1000,
            acks: 20,
            rate: 1000,
            limit: Duration::from_secs(1),
            seed: 7,
        }
    }

    #[test]
    fn packets_differ_and_are_what_the_plan_says() {
        let mut draw = Draw(7);
        let packets: Vec<_> = (0..1000).map(|_| draw.packet(&plan())).collect();
        let flows: BTreeSet<_> = packets.iter().map(|packet| &packet[12..24]).collect();
        assert!(flows.len() > 990, "{} flows", flows.len());
        assert!(packets.iter().all(|packet| packet[12] == 100 && packet[13] & 0xc0 == 0x40));
        let acks = packets.iter().filter(|packet| flags(packet) == ACK).count();
        assert!((150..250).contains(&acks), "{acks} of 1000");
    }

    #[test]
    fn a_receiver_finds_the_checksum_right() {
        for packet in (0..100).map(|seed| Draw(seed).packet(&plan())) {
            let slice = etherparse::TcpSlice::from_slice(&packet[IP_HEADER..]).unwrap();
            let [source, target] =
                [12, 16].map(|at| packet[at..at + 4].try_into().expect("four bytes"));
            assert_eq!(slice.checksum(), slice.calc_checksum_ipv4(source, target).unwrap());
        }
    }
}
