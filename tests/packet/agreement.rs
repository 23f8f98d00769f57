//! The program and the same decision made outside (`lb trace`) agree: 10,000 random flows.

use std::{
    borrow::Borrow as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use lb_common::{
    abi::Address,
    flow::{Flow, Segment},
    verdict::{Tables, choose, find},
};

use crate::{
    director::Director,
    family::{BUNDLE, FAMILIES, Family, SINGLE, WILDCARD, standard},
    frames::{ACK, L4, SYN, frame},
    random::Random,
};

/// A client anywhere in the world.
fn somebody(random: &mut Random, family: Family) -> (IpAddr, u16) {
    let [high, low] = [random.next(), random.next()];
    let address = match family {
        Family::V4 => {
            Ipv4Addr::from(high.to_le_bytes()[..4].first_chunk().copied().unwrap_or_default())
                .into()
        }
        Family::V6 => Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)).into(),
    };
    (address, random.short())
}

/// A flow as the frame's client would describe it: put together by hand, not decoded.
fn flow((client, client_port): (IpAddr, u16), (vip, port): (IpAddr, u16), l4: L4) -> Flow {
    let ([a, b], [c, d]) = (client_port.to_be_bytes(), port.to_be_bytes());
    let (protocol, segment) = match l4 {
        L4::Udp => (17, Segment::Datagram),
        L4::Tcp(0x02) => (6, Segment::Syn),
        L4::Tcp(_) => (6, Segment::Other),
    };
    Flow {
        client: Address::from(client).halves(),
        vip: Address::from(vip).halves(),
        ports: u32::from_ne_bytes([a, b, c, d]),
        protocol,
        segment,
    }
}

/// The MAC address of the real server that a flow belongs to.
fn traced(tables: &impl Tables, flow: &Flow) -> [u8; 6] {
    let service = find(flow, tables).expect("a service");
    let choice = choose(flow, service.borrow(), tables, false).expect("a real server");
    choice.real.destination_mac
}

fn compare(director: &mut Director, flows: usize, l4: &[L4], random: &mut Random) {
    for _ in 0..flows {
        let family = *random.one(&FAMILIES);
        let (last, port, l4) = match random.below(4) {
            0 => (SINGLE, 53, L4::Udp),
            1 => (BUNDLE, *random.one(&[80, 443]), *random.one(l4)),
            2 => (WILDCARD, random.short(), *random.one(l4)),
            _ => (SINGLE, 80, *random.one(l4)),
        };
        let (client, vip) = (somebody(random, family), (family.vip(last), port));
        let wanted = traced(director.plane.data.tables(), &flow(client, vip, l4));
        let mac = director.glance(&frame(client, vip, l4));
        assert_eq!(mac, Some(wanted), "{client:?} to {vip:?}, {l4:?}");
    }
}

#[test]
fn ten_thousand_flows() {
    let mut director = Director::new();
    compare(&mut director, 10_000, &[SYN, ACK], &mut Random(1));
}

#[test]
fn ten_thousand_flows_in_a_window() {
    let mut director = Director::new();
    let fewer = |line: &String| !line.contains("\"r2\"");
    let config: Vec<_> = standard().lines().map(str::to_owned).filter(fewer).collect();
    director.reload(&config.join("\n"));
    assert!(FAMILIES.into_iter().all(|family| director.in_transition(family)));
    compare(&mut director, 10_000, &[SYN, ACK], &mut Random(2));
}
