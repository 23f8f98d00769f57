//! The packets: what a frame looks like, and the program that makes one of a random flow of it.

use std::net::Ipv4Addr;

use crate::bpf::{
    Insn, Op, RANDOM, REDIRECT, Reg, advance, call, constant, exit, load_32, pointer, register,
    skip_if_greater, skip_unless, store_16, store_32, store_bytes, to_network_order,
};

/// Every load goes here.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);
pub(crate) const PORT: u16 = 80;
/// The first client; the others follow, one address a flow.
const CLIENTS: u32 = 0x0a40_0000;

/// The smallest frame of Ethernet, without its checksum.
const FRAME: u8 = 60;
/// Where each program keeps the start of the frame.
const START: Reg = Reg(6);

pub(crate) const MAC_OF_DIRECTOR: [u8; 6] = [0x02, 1, 0, 0, 0, 1];
/// Of clients and real servers alike: their end of the director's wire.
pub(crate) const MAC_OF_PEERS: [u8; 6] = [0x02, 2, 0, 0, 0, 1];

const XDP_ABORTED: u32 = 0;
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

/// What is sent in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    segment: Segment,
    /// Each packet is of one of these, at random.
    flows: u32,
    /// Packets before the first round: enough for (nearly) every flow to have had one.
    pub(crate) warm_up: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    TcpAck,
    TcpSyn,
    Udp,
}

/// In the order in which they are sent. The last fills IPVS's table with connections that end soon.
pub(crate) const LOADS: &[Load] = &[
    Load { name: "TCP ACK, 1 flow", segment: Segment::TcpAck, flows: 1, warm_up: 1_000 },
    Load { name: "TCP ACK, 1,000 flows", segment: Segment::TcpAck, flows: 1_000, warm_up: 10_000 },
    Load {
        name: "TCP ACK, 100,000 flows",
        segment: Segment::TcpAck,
        flows: 100_000,
        warm_up: 500_000,
    },
    Load { name: "UDP, 100,000 flows", segment: Segment::Udp, flows: 100_000, warm_up: 500_000 },
    Load { name: "TCP SYN, all new", segment: Segment::TcpSyn, flows: 1 << 22, warm_up: 1_000 },
];

impl Load {
    /// A frame whose source and checksums the program fills in.
    pub(crate) fn frame(&self) -> [u8; FRAME as usize] {
        let mut frame = [0; FRAME as usize];
        frame[..6].copy_from_slice(&MAC_OF_DIRECTOR);
        frame[6..12].copy_from_slice(&MAC_OF_PEERS);
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        let (protocol, length) = match self.segment {
            Segment::TcpAck | Segment::TcpSyn => (6, 40),
            Segment::Udp => (17, 46),
        };
        // Version and header length, ToS, total length; identification, "don't fragment"; TTL, protocol.
        frame[14..24].copy_from_slice(&[0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol]);
        frame[30..34].copy_from_slice(&VIP.octets());
        frame[36..38].copy_from_slice(&PORT.to_be_bytes());
        // Sequence and acknowledgement numbers, header length, flags, window.
        let tcp = |flags| [0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0];
        match self.segment {
            Segment::TcpAck => frame[38..50].copy_from_slice(&tcp(0x10)),
            Segment::TcpSyn => frame[38..50].copy_from_slice(&tcp(0x02)),
            // Length; without a checksum (RFC 768).
            Segment::Udp => frame[38..40].copy_from_slice(&[0, 26]),
        }
        frame
    }

    /// The generator: writes what differs between packets (and what a director has changed: the kernel
    /// uses frames again as they came back), and sends the frame out of `interface`.
    pub(crate) fn generator(&self, interface: u32) -> Vec<u8> {
        const FLOW: Reg = Reg(7);
        const SOURCE: Reg = Reg(8);
        const SUM: Reg = Reg(9);
        let [r0, r1, r2, r3] = [0, 1, 2, 3].map(Reg);
        let frame = self.frame();
        let mut work = vec![
            call(RANDOM),
            constant(Op::Modulo, r0, self.flows),
            register(Op::Move, FLOW, r0),
            register(Op::Move, SOURCE, FLOW),
            constant(Op::Add, SOURCE, CLIENTS),
            to_network_order(SOURCE, 32),
            store_32(START, 26, SOURCE),
            register(Op::Move, SUM, SOURCE),
            constant(Op::And, SUM, 0xffff),
            register(Op::Move, r3, SOURCE),
            constant(Op::ShiftRight, r3, 16),
            register(Op::Add, SUM, r3),
        ];
        work.extend(store_bytes(START, 0, &frame[..12]));
        work.extend(store_bytes(START, 22, &frame[22..24]));
        work.extend(checksum(SUM, sum(&frame[14..34]), 24));
        work.extend([
            register(Op::Move, r3, FLOW),
            constant(Op::And, r3, 0x7fff),
            constant(Op::Add, r3, 1_024),
            to_network_order(r3, 16),
            store_16(START, 34, r3),
        ]);
        if self.segment != Segment::Udp {
            work.push(register(Op::Add, SUM, r3));
            let pseudo_header = [0, 6, 0, 20];
            work.extend(checksum(SUM, sum(&frame[30..54]) + sum(&pseudo_header), 50));
        }
        work.extend([
            constant(Op::Move, r1, interface),
            constant(Op::Move, r2, 0),
            call(REDIRECT),
            exit(),
        ]);
        with_bytes(FRAME, &work, XDP_ABORTED)
    }
}

/// The sink: drops what has been forwarded, hands everything else (ARP) to the host.
pub(crate) fn sink() -> Vec<u8> {
    let mac = Reg(4);
    let [a, b, c, d, _, _] = MAC_OF_PEERS;
    let forwarded = for_vip(&verdict(XDP_DROP));
    let mut work = vec![
        load_32(mac, START, 0),
        skip_unless(mac, u32::from_le_bytes([a, b, c, d]), forwarded.len()),
    ];
    work.extend(forwarded);
    with_bytes(34, &work, XDP_PASS)
}

/// A director without a decision: new MAC addresses, and back. The least that a director in XDP costs.
pub(crate) fn reflect() -> Vec<u8> {
    let mut work = store_bytes(START, 0, &MAC_OF_PEERS);
    work.extend(store_bytes(START, 6, &MAC_OF_DIRECTOR));
    work.extend(verdict(XDP_TX));
    with_bytes(34, &for_vip(&work), XDP_PASS)
}

/// Hands every frame to the host.
pub(crate) fn hand_on() -> Vec<u8> {
    verdict(XDP_PASS).concat()
}

/// Skips `work` for a packet that does not go to the VIP.
fn for_vip(work: &[Insn]) -> Vec<Insn> {
    let address = Reg(4);
    let test = [
        load_32(address, START, 30),
        skip_unless(address, u32::from_le_bytes(VIP.octets()), work.len()),
    ];
    [&test, work].concat()
}

/// A program that does `work` on frames of at least `length` bytes; what falls through, and shorter
/// frames, get the verdict `otherwise`.
fn with_bytes(length: u8, work: &[Insn], otherwise: u32) -> Vec<u8> {
    let [context, end, needed] = [1, 2, 3].map(Reg);
    let check = [
        load_32(START, context, 0),
        load_32(end, context, 4),
        pointer(needed, START),
        advance(needed, u32::from(length)),
        skip_if_greater(needed, end, work.len()),
    ];
    [&check, work, &verdict(otherwise)].concat().concat()
}

/// Folds a sum of 16-bit words, the constant part of it included, and stores the checksum (RFC 1071).
fn checksum(partial: Reg, rest: u32, offset: u8) -> Vec<Insn> {
    let [sum, carry] = [4, 5].map(Reg);
    let fold = [
        register(Op::Move, carry, sum),
        constant(Op::ShiftRight, carry, 16),
        constant(Op::And, sum, 0xffff),
        register(Op::Add, sum, carry),
    ];
    let start = [register(Op::Move, sum, partial), constant(Op::Add, sum, rest)];
    let end = [constant(Op::Xor, sum, 0xffff), store_16(START, offset, sum)];
    [&start[..], &fold, &fold, &end].concat()
}

/// The sum of 16-bit words as this machine loads them: a checksum does not mind the order of bytes.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).map(|word| u32::from(u16::from_le_bytes([word[0], word[1]]))).sum()
}

fn verdict(action: u32) -> [Insn; 2] {
    [constant(Op::Move, Reg(0), action), exit()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aya::{
        Ebpf,
        programs::{TestRun as _, TestRunOptions},
    };
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    use super::*;
    use crate::wire;

    const XDP_REDIRECT: u32 = 4;

    /// A frame's way through a program: the verdict and what came out.
    fn run(object: &mut Ebpf, frame: &[u8]) -> (u32, Vec<u8>) {
        let mut out = vec![0; frame.len()];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::default()
        };
        let verdict = wire::program(object).unwrap().test_run(options).unwrap().return_value;
        (verdict, out)
    }

    #[test]
    fn generated_packets_are_right_to_the_last_checksum() {
        for load in LOADS {
            let mut generator = wire::load(&load.generator(1)).unwrap();
            let mut sources = BTreeSet::new();
            for _ in 0..20 {
                let (verdict, out) = run(&mut generator, &load.frame());
                assert_eq!(verdict, XDP_REDIRECT, "{}", load.name);
                let packet = SlicedPacket::from_ethernet(&out).unwrap();
                let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("{out:?}") };
                let header = ip.header().to_header();
                assert_eq!(header.header_checksum, header.calc_header_checksum(), "{}", load.name);
                let flow = u32::from(ip.header().source_addr()) - CLIENTS;
                assert!(flow < load.flows, "{flow} of {}", load.name);
                let port = match packet.transport {
                    Some(TransportSlice::Tcp(tcp)) => {
                        let expected = tcp.calc_checksum_ipv4(header.source, header.destination);
                        assert_eq!(tcp.checksum(), expected.unwrap(), "{}", load.name);
                        tcp.source_port()
                    }
                    Some(TransportSlice::Udp(udp)) => udp.source_port(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(u32::from(port), 1_024 + (flow & 0x7fff));
                sources.insert((flow, port));
            }
            assert_eq!(sources.len() > 1, load.flows > 1, "{}", load.name);
        }
    }

    #[test]
    fn the_sink_takes_what_was_forwarded_and_nothing_else() {
        let mut sink = wire::load(&sink()).unwrap();
        let mut reflect = wire::load(&reflect()).unwrap();
        let sent = LOADS[0].frame();
        assert_eq!(run(&mut sink, &sent).0, XDP_PASS, "not for the real servers' MAC address");
        let (verdict, mut forwarded) = run(&mut reflect, &sent);
        assert_eq!(verdict, XDP_TX);
        assert_eq!(run(&mut sink, &forwarded).0, XDP_DROP);
        forwarded[33] ^= 1;
        assert_eq!(run(&mut sink, &forwarded).0, XDP_PASS, "not for the VIP");
        assert_eq!(run(&mut reflect, &forwarded).0, XDP_PASS);
    }
}
