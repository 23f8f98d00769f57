//! Tunnels: what is put around a packet, byte by byte (checked by `Director::send`), and what does not fit.

use std::{collections::HashSet, fmt, net::IpAddr};

use lb_common::abi::Reason;

use crate::{
    craft::{
        DESTINATION, DOT1AD, DOT1Q, fit, fragment, tagged, with, with_extensions, with_options,
    },
    director::{
        Director,
        Outcome::{self, Answered, Dropped},
    },
    family::{FAMILIES, Family, LIMITS, pool, service_with},
    frames::{ACK, L4, SYN, build, frame},
    plane::MTU,
    quotes::{error, too_big},
    uplink::with_uplink,
    wrap::Entropy,
};

/// Keys of `[node]`: what outer sources come from.
pub(crate) const SOURCES: &str =
    "tunnel_source = \"172.16.0.0/16\"\ntunnel_source6 = \"fd00:16::/64\"\n";

/// One service with its pool: the family of its VIP, that of its real servers, what is put around.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tunnel {
    inside: Family,
    outside: Family,
    gue: bool,
    last: u16,
}

impl Tunnel {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let both = FAMILIES.iter().flat_map(|&inside| FAMILIES.map(|outside| (inside, outside)));
        let all = both.flat_map(|pair| [false, true].map(|gue| (pair, gue)));
        let all = (0x60..).zip(all);
        all.map(|(last, ((inside, outside), gue))| Self { inside, outside, gue, last }).collect()
    }

    /// A frame of a client.
    pub(crate) fn frame(self, client: u16, l4: L4, payload: &[u8]) -> Vec<u8> {
        build(self.inside.client(client), self.vip(), l4, 57, payload)
    }

    /// UDP around the outer header's payload.
    pub(crate) const fn is_gue(self) -> bool {
        self.gue
    }

    fn vip(self) -> (IpAddr, u16) {
        (self.inside.vip(self.last), 80)
    }

    /// Bytes before the packet.
    pub(crate) const fn overhead(self) -> usize {
        let ip = if matches!(self.outside, Family::V4) { 20 } else { 40 };
        if self.gue { ip + 8 } else { ip }
    }

    fn config(self, keys: &str) -> String {
        let kind = if self.gue { "gue\", port = 6081" } else { "ip\"" };
        let keys = format!("tunnel = {{ type = \"{kind}{keys} }}");
        let pool_name = format!("p{}", self.last);
        let pool = pool(self.outside, &pool_name, &[(1, 1), (2, 1), (3, 1)], &keys);
        let (address, _) = self.vip();
        let pool_name = self.outside.name(&pool_name);
        pool + &service_with(&self.to_string(), address, &["tcp/80"], "tunnel", &pool_name)
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.gue { "gue" } else { "ip" };
        write!(f, "{kind}-{}-in-{}", self.inside, self.outside)
    }
}

/// A service for each tunnel, with these keys of `[node]` before them and those of `tunnel` in each.
pub(crate) fn config(node: &str, keys: &str) -> String {
    let services: String = Tunnel::all().into_iter().map(|tunnel| tunnel.config(keys)).collect();
    [node, LIMITS, &services].concat()
}

/// The frame reaches a real server of the tunnel's own service.
pub(crate) fn arrives(director: &mut Director, tunnel: Tunnel, frame: &[u8]) -> IpAddr {
    match director.send(frame) {
        Outcome::To(service, real) if service == tunnel.to_string() => real,
        other => panic!("{tunnel}: {other:?}"),
    }
}

#[test]
fn both_families_in_both() {
    // Without a configured source, and without an address of its own, the director has none to give.
    for node in [SOURCES, ""] {
        let mut director = Director::with(&config(node, ""));
        for tunnel in Tunnel::all() {
            let mut reals = HashSet::new();
            for client in 0..20 {
                let real = arrives(&mut director, tunnel, &tunnel.frame(client, SYN, &[]));
                reals.insert(real);
                let data = tunnel.frame(client, ACK, &[0x5a; 333]);
                assert_eq!(arrives(&mut director, tunnel, &data), real, "{tunnel}: data");
            }
            assert_eq!(reals.len(), 3, "{tunnel}");
        }
    }
}

/// Type of service and traffic class are copied, with the bits of ECN (RFC 6040).
#[test]
fn every_class_is_copied() {
    let mut director = Director::with(&config(SOURCES, ""));
    for tunnel in Tunnel::all() {
        let plain = tunnel.frame(1, ACK, &[]);
        for class in 0..=u8::MAX {
            let marked = match tunnel.inside {
                Family::V4 => with(&plain, 15, class),
                Family::V6 => with(&with(&plain, 14, 0x60 | class >> 4), 15, class << 4 | 0x0b),
            };
            arrives(&mut director, tunnel, &marked);
        }
    }
}

#[test]
fn tags_padding_and_options_stay() {
    let mut director = Director::with(&config(SOURCES, ""));
    for tunnel in Tunnel::all() {
        let plain = tunnel.frame(1, ACK, &[]);
        let real = arrives(&mut director, tunnel, &plain);
        let padded = [&plain[..], &[0xa5; 22]].concat();
        let long = match tunnel.inside {
            Family::V4 => with_options(&plain, 10),
            Family::V6 => with_extensions(&plain, &[DESTINATION; 4]),
        };
        for frame in [plain, padded, long] {
            for tags in [&[][..], &[DOT1Q], &[DOT1AD, DOT1Q]] {
                let frame = tagged(&frame, tags);
                assert_eq!(arrives(&mut director, tunnel, &frame), real, "{tunnel}, {tags:x?}");
            }
        }
    }
}

/// Source address, flow label and source port are the same for all packets of a flow, and differ between flows.
#[test]
fn the_flow_is_in_the_outer_header() {
    let mut director = Director::with(&config(SOURCES, ""));
    for tunnel in Tunnel::all() {
        let mut seen = HashSet::new();
        let (mut sources, mut labels, mut ports) = (HashSet::new(), HashSet::new(), HashSet::new());
        for client in 0..64 {
            arrives(&mut director, tunnel, &tunnel.frame(client, SYN, &[]));
            let entropy = Entropy::of(&director.out);
            arrives(&mut director, tunnel, &tunnel.frame(client, ACK, &[1; 100]));
            assert_eq!(Entropy::of(&director.out), entropy, "{tunnel}, client {client}");
            assert_eq!(entropy.port.is_some(), tunnel.gue, "{tunnel}");
            seen.insert(entropy);
            sources.insert(entropy.source);
            labels.insert(entropy.label);
            ports.insert(entropy.port);
        }
        // 64 out of 2^14 at the least: a few may be the same.
        assert!(sources.len() > 56, "{tunnel}: {} sources", sources.len());
        let wanted = |there: bool, count: usize| if there { count > 56 } else { count == 1 };
        assert!(wanted(tunnel.outside == Family::V6, labels.len()), "{tunnel}: {labels:?}");
        assert!(wanted(tunnel.gue, ports.len()), "{tunnel}: {ports:?}");
        assert!(seen.len() > 62, "{tunnel}: {} of 64 flows differ", seen.len());
    }
}

/// A single address is used as it is.
#[test]
fn a_fixed_source() {
    let node = "tunnel_source = \"172.16.3.4/32\"\ntunnel_source6 = \"fd00:16::34/128\"\n";
    let mut director = Director::with(&config(node, ""));
    for tunnel in Tunnel::all() {
        for client in 0..20 {
            arrives(&mut director, tunnel, &tunnel.frame(client, SYN, &[]));
            let wanted: IpAddr = match tunnel.outside {
                Family::V4 => [172, 16, 3, 4].into(),
                Family::V6 => [0xfd00, 0x16, 0, 0, 0, 0, 0, 0x34].into(),
            };
            assert_eq!(Entropy::of(&director.out).source, wanted, "{tunnel}");
        }
    }
}

/// A packet of so many bytes, IP header included.
fn of_length(tunnel: Tunnel, length: usize) -> Vec<u8> {
    let headers = tunnel.inside.transport() - 14 + 20;
    let mut frame = tunnel.frame(1, ACK, &vec![0x5a; length - headers]);
    fit(&mut frame);
    frame
}

/// The largest packet that fits goes through; the next byte is answered with the number that fits.
#[test]
fn what_does_not_fit_is_answered() {
    for (keys, mtu) in [("", MTU), (", mtu = 1400", 1_400)] {
        let mut director = Director::with(&config(SOURCES, keys));
        for tunnel in Tunnel::all() {
            let fits = usize::from(mtu) - tunnel.overhead();
            arrives(&mut director, tunnel, &of_length(tunnel, fits));
            assert_eq!(director.out.len(), 14 + usize::from(mtu), "{tunnel}");
            for length in [fits + 1, 1_500, 3_000] {
                let frame = of_length(tunnel, length);
                for tags in [&[][..], &[DOT1Q]] {
                    let outcome = director.send(&tagged(&frame, tags));
                    assert_eq!(outcome, Answered(Reason::TooBig), "{tunnel}, {length} bytes");
                }
            }
        }
    }
}

/// RFC 1122, section 3.2.2: never about an error, never about a later fragment.
#[test]
fn senders_of_errors_and_fragments_are_not_told() {
    let mut director = Director::with(&config(SOURCES, ""));
    for tunnel in Tunnel::all() {
        let later = fragment(&of_length(tunnel, 1_500), 5, false);
        assert_eq!(director.send(&later), Dropped(Reason::TooBig), "{tunnel}: a fragment");
        let (family, vip) = (tunnel.inside, tunnel.vip());
        let quote = build(vip, family.client(1), ACK, 60, &[0x77; 1_500])[14..].to_vec();
        let error = error(family, vip.0, too_big(family), &quote);
        assert_eq!(director.send(&error), Dropped(Reason::TooBig), "{tunnel}: an error");
    }
}

/// Padding is not part of a packet: it does not make it too large.
#[test]
fn padding_does_not_count() {
    let mut director = Director::with(&config(SOURCES, ", mtu = 1000"));
    for tunnel in Tunnel::all() {
        let fits = of_length(tunnel, 1_000 - tunnel.overhead());
        let frame = [&fits[..], &[0; 100]].concat();
        arrives(&mut director, tunnel, &frame);
    }
}

#[test]
fn the_last_hop_is_not_a_way_into_a_tunnel() {
    let mut director = Director::with(&config(SOURCES, ""));
    for tunnel in Tunnel::all() {
        let (client, vip) = (tunnel.inside.client(1), tunnel.vip());
        let outcome = director.send(&build(client, vip, ACK, 1, &[]));
        assert_eq!(outcome, Answered(Reason::TtlExceeded), "{tunnel}");
        let outcome = director.send(&frame(client, (vip.0, 81), ACK));
        assert_eq!(outcome, Outcome::Passed(Reason::NoService), "{tunnel}");
    }
}

/// Behind another interface than the packet came in by.
#[test]
fn tunnels_lead_elsewhere() {
    with_uplink(|| {
        let mut director = Director::with(&config(SOURCES, ""));
        director.change(|plane| {
            plane.elsewhere.extend(FAMILIES.iter().flat_map(|f| [1, 2, 3].map(|n| f.real(n))));
        });
        for tunnel in Tunnel::all() {
            for client in 0..5 {
                arrives(&mut director, tunnel, &tunnel.frame(client, SYN, &[]));
            }
        }
    });
}
