//! QUIC: through a change of the pool, its connections are told apart as TCP's are.

use std::net::IpAddr;

use crate::{
    director::Director,
    family::{FAMILIES, Family, LIMITS, SINGLE, pool, service},
    frames::{L4, build},
};

const TWO: &[(u16, u16)] = &[(1, 1), (2, 1)];
const THREE: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

/// RFC 9000, section 17.2.2, and RFC 9369, section 3.2: the type of an Initial.
const INITIAL_V1: [u8; 5] = [0xc3, 0, 0, 0, 1];
const INITIAL_V2: [u8; 5] = [0xd3, 0x6b, 0x33, 0x43, 0xcf];
/// What is no Initial: 0-RTT, Handshake and Retry of version 1, Retry and 0-RTT of version 2, short headers,
/// and STUN, which shares ports with QUIC at times.
const OTHERS: [[u8; 5]; 8] = [
    [0xd3, 0, 0, 0, 1],
    [0xe3, 0, 0, 0, 1],
    [0xf3, 0, 0, 0, 1],
    [0xc3, 0x6b, 0x33, 0x43, 0xcf],
    [0xe3, 0x6b, 0x33, 0x43, 0xcf],
    [0x43, 0, 0, 0, 1],
    [0x7f, 0xff, 0xff, 0xff, 0xff],
    [0x00, 0x01, 0, 0x08, 0x21],
];
const SHORT: [u8; 5] = OTHERS[5];

fn config(servers: &[(u16, u16)], key: &str) -> String {
    let services = |family| {
        let service = service(family, "quic", SINGLE, &["udp/443"], "web");
        pool(family, "web", servers, "") + &service + key
    };
    [LIMITS.to_owned(), services(Family::V4), services(Family::V6)].concat()
}

const QUIC: &str = "quic = true\n";

/// Where a datagram goes that begins with these bytes.
fn send(director: &mut Director, family: Family, client: u16, start: [u8; 5]) -> IpAddr {
    let payload = [&start[..], &[0x5a; 1_195]].concat();
    let vip = (family.vip(SINGLE), 443);
    director.real(&build(family.client(client), vip, L4::Udp, 64, &payload))
}

/// A director that has just got a third real server, and clients whose slots belong to it now, with the real
/// servers that these had before.
fn third_server(family: Family, key: &str) -> (Director, Vec<(u16, IpAddr)>) {
    let mut director = Director::with(&config(TWO, key));
    let before: Vec<_> =
        (0..90).map(|client| (client, send(&mut director, family, client, INITIAL_V1))).collect();
    director.reload(&config(THREE, key));
    assert!(director.in_transition(family));
    let mut twin = Director::with(&config(THREE, key));
    let moved = before
        .into_iter()
        .filter(|(client, _)| send(&mut twin, family, *client, INITIAL_V1) == family.real(3));
    let moved: Vec<_> = moved.collect();
    assert!(moved.len() > 12, "IPv{family}: {}", moved.len());
    (director, moved)
}

#[test]
fn a_new_connection_goes_to_the_new_server() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family, QUIC);
        for (position, (client, _)) in moved.into_iter().enumerate() {
            let initial = if position % 2 == 0 { INITIAL_V1 } else { INITIAL_V2 };
            // Sent again, it goes where the first went, and so does all that follows.
            for start in [initial, initial, SHORT, initial, SHORT] {
                let taken = send(&mut director, family, client, start);
                assert_eq!(taken, family.real(3), "IPv{family}, client {client}: {start:x?}");
            }
        }
    }
}

#[test]
fn an_older_connection_stays() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family, QUIC);
        for (position, (client, before)) in moved.into_iter().enumerate() {
            // Whatever its first packet after the change is.
            for start in [OTHERS[position % OTHERS.len()], SHORT, SHORT] {
                let taken = send(&mut director, family, client, start);
                assert_eq!(taken, before, "IPv{family}, client {client}: {start:x?}");
            }
        }
    }
}

/// An Initial whose answer is lost is sent again after the next change, too.
#[test]
fn sent_again_after_another_change() {
    for family in FAMILIES {
        for initial in [INITIAL_V1, INITIAL_V2] {
            let (mut director, moved) = third_server(family, QUIC);
            for (client, _) in &moved {
                assert_eq!(send(&mut director, family, *client, initial), family.real(3));
            }
            director.reload(&config(TWO, QUIC));
            for (client, _) in moved {
                for start in [initial, SHORT] {
                    let taken = send(&mut director, family, client, start);
                    assert_eq!(taken, family.real(3), "IPv{family}, client {client}: {start:x?}");
                }
            }
        }
    }
}

/// A datagram that is too short for a QUIC header begins nothing.
#[test]
fn a_short_datagram_begins_nothing() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family, QUIC);
        for (client, before) in moved {
            for length in 0..5 {
                let vip = (family.vip(SINGLE), 443);
                let payload = &INITIAL_V1[..length];
                let frame = build(family.client(client), vip, L4::Udp, 64, payload);
                // Nor does what stands behind the datagram's end: padding.
                let padded = [&frame[..], &INITIAL_V1[length..], &[0; 9]].concat();
                assert_eq!(director.real(&frame), before, "IPv{family}, {length} bytes");
                assert_eq!(director.real(&padded), before, "IPv{family}, {length} bytes, padded");
            }
        }
    }
}

/// Where nothing says that it is QUIC, each datagram follows the ring in force.
#[test]
fn other_services_do_not_look() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family, "");
        for (client, _) in moved {
            for start in [SHORT, INITIAL_V1, OTHERS[7]] {
                assert_eq!(send(&mut director, family, client, start), family.real(3));
            }
        }
    }
}
