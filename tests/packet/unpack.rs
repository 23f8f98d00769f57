//! The far end of tunnels: what a director has put around a packet comes off again.

use lb_common::abi::{Features, GuardAction, GuardList, Reason};
use lb_userspace::plan::Prefix;

use crate::{
    craft::{DOT1Q, addresses, tagged, with},
    director::{
        Director,
        Outcome::{self, Dropped, Passed},
    },
    family::{FAMILIES, Family, LIMITS},
    frames::{ACK, L4, SYN, build},
    tunnels::{self, Tunnel},
};

const SOURCES: &str = "tunnel_source = \"172.16.0.0/16\"\ntunnel_source6 = \"fd00:16::/64\"\n";
/// What the director of the other side is configured with.
const PORT: u32 = 6_081;

/// A host without services at which tunnels from these sources end.
fn end(from: &[&str]) -> Director {
    let mut end = Director::equipped(LIMITS, Features::UNPACK);
    let own = (1..=3).flat_map(|number| FAMILIES.map(|family| family.real(number)));
    let ends = own.map(|address| (Prefix::new(GuardList::ENDS, address.into()), PORT));
    let senders = from.iter().map(|prefix| {
        let prefix = prefix.parse().expect("a prefix");
        (Prefix::new(GuardList::TUNNELS, prefix), GuardAction::Allow as u32)
    });
    let prefixes: Vec<_> = ends.chain(senders).collect();
    end.plane.data.put_prefixes(&prefixes).expect("room");
    end
}

/// Every tunnel's frames as they left a director, with what they were before.
fn in_tunnels() -> Vec<(Tunnel, Vec<u8>, Vec<u8>)> {
    let mut director = Director::with(&tunnels::config(SOURCES, ""));
    let frames = Tunnel::all().into_iter().flat_map(|tunnel| {
        let padded = [&tunnel.frame(3, ACK, &[])[..], &[0xa5; 9]].concat();
        [tunnel.frame(1, SYN, &[]), tunnel.frame(2, ACK, &[0x5a; 700]), padded]
            .map(|frame| (tunnel, frame))
    });
    frames
        .map(|(tunnel, frame)| {
            assert!(matches!(director.send(&frame), Outcome::To(..)), "{tunnel}");
            (tunnel, frame, director.out.clone())
        })
        .collect()
}

#[test]
fn round_trip() {
    let mut end = end(&["172.16.0.0/16", "fd00:16::/64"]);
    for (tunnel, before, wrapped) in in_tunnels() {
        assert_eq!(end.send(&wrapped), Passed(Reason::Unpacked), "{tunnel}");
        // From the Ethernet header's end on, what the client sent: its TTL, its padding.
        assert_eq!(end.out[12..], before[12..], "{tunnel}");
        assert_eq!(end.out[..12], wrapped[..12], "{tunnel}: MAC addresses");
    }
}

/// The packet inside can bear any source: who may send tunnels is asked first.
#[test]
fn strangers_are_dropped() {
    for from in [&[][..], &["172.17.0.0/16", "fd00:17::/64"]] {
        let mut end = end(from);
        for (tunnel, _, wrapped) in in_tunnels() {
            assert_eq!(end.send(&wrapped), Dropped(Reason::Stranger), "{tunnel}");
        }
    }
}

/// Of two prefixes the longer one decides; a list of one family says nothing of the other.
#[test]
fn sources_of_one_family() {
    for (from, welcome) in [("0.0.0.0/0", Family::V4), ("fd00::/8", Family::V6)] {
        let mut end = end(&[from]);
        for (tunnel, _, wrapped) in in_tunnels() {
            let known = addresses(&wrapped).0.is_ipv4() == (welcome == Family::V4);
            let wanted = if known { Passed(Reason::Unpacked) } else { Dropped(Reason::Stranger) };
            assert_eq!(end.send(&wrapped), wanted, "{tunnel} from {from}");
        }
    }
}

/// What is no tunnel to this host goes the usual way, as without the feature.
#[test]
fn what_is_not_ours_goes_the_usual_way() {
    let mut end = end(&["0.0.0.0/0", "::/0"]);
    for (tunnel, before, wrapped) in in_tunnels() {
        assert_eq!(end.send(&before), Passed(Reason::NoService), "{tunnel}: not wrapped");
        let (outer4, udp) = (wrapped[12] == 0x08, tunnel.is_gue());
        // The last byte of the destination.
        let at = if outer4 { 14 + 19 } else { 14 + 39 };
        let elsewhere = with(&wrapped, at, 77);
        let reason = if udp { Reason::NoService } else { Reason::OtherProtocol };
        assert_eq!(end.send(&elsewhere), Passed(reason), "{tunnel}: elsewhere");
        let tagged = tagged(&wrapped, &[DOT1Q]);
        assert_eq!(end.send(&tagged), Passed(reason), "{tunnel}: with a tag");
        let header = if outer4 { 34 } else { 54 };
        if udp {
            let port = with(&wrapped, header + 3, 0xc2);
            assert_eq!(end.send(&port), Passed(reason), "{tunnel}: another port");
            // Variant 0 of GUE has a header of its own, which nobody here sends.
            let variant = with(&wrapped, header + 8, 0x05);
            assert_eq!(end.send(&variant), Passed(reason), "{tunnel}: variant 0");
        }
        if outer4 {
            let first = with(&wrapped, 20, 0x20);
            assert_eq!(end.send(&first), Passed(reason), "{tunnel}: a fragment");
        }
    }
    // UDP to this host on another port, and on that port without an IP packet inside.
    for family in FAMILIES {
        for port in [53, 6_081] {
            let frame = build(family.client(1), (family.real(1), port), L4::Udp, 64, &[0x12; 40]);
            assert_eq!(end.send(&frame), Passed(Reason::NoService), "IPv{family}, port {port}");
        }
    }
}

/// With the first 20 bytes of what is inside, a frame is unpacked; the host sees what is wrong with it.
#[test]
fn cut_short() {
    let mut end = end(&["0.0.0.0/0", "::/0"]);
    for (tunnel, _, wrapped) in in_tunnels() {
        let whole = 14 + tunnel.overhead() + 20;
        for length in 14..whole {
            let outcome = end.send(&wrapped[..length]);
            assert_eq!(outcome, Passed(Reason::PassTruncated), "{tunnel}, {length} bytes");
        }
        assert_eq!(end.send(&wrapped[..whole]), Passed(Reason::Unpacked), "{tunnel}");
    }
}
