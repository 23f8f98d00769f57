//! What must hold of every frame on the host: what the decoder says of it lies within it, and the verdict
//! follows from what it says.

use lb_common::{
    abi::{Address, Halves, Reason, ServiceKey},
    decode::{Decoded, IpHeader, TAGS, decode},
    fence::{What, heard, told},
    verdict::{Choice, Verdict, find, steer},
};

use crate::{config::config, plain::Plain};

/// The tables that frames are decided on with.
pub struct Host(Plain);

impl Default for Host {
    fn default() -> Self {
        Self(Plain::new(&config()))
    }
}

impl Host {
    /// Checks one frame.
    ///
    /// # Panics
    /// Where something does not hold.
    pub fn check(&self, frame: &[u8]) {
        let decoded = decode(frame);
        match decoded {
            Decoded::Flow { flow, ip, .. } => {
                inside(frame, decoded, &ip);
                assert!(matches!(flow.protocol, 6 | 17), "a flow of {flow:?}");
            }
            Decoded::Quote { flow, ip } => {
                inside(frame, decoded, &ip);
                let (_, to) = addresses(frame, &ip);
                assert_eq!(
                    Address::from_halves(flow.vip),
                    to,
                    "an error to another than the sender"
                );
            }
            Decoded::Later { from, to, ip, .. } => {
                inside(frame, decoded, &ip);
                let ends = [from, to].map(Address::from_halves);
                assert_eq!(addresses(frame, &ip), ends.into(), "the ends of a fragment");
                assert!(!ip.first, "a later fragment cannot be the first");
            }
            Decoded::Portless { vip, other, .. } => {
                assert!(vip.drops() && !other.drops(), "{vip:?} for a VIP, {other:?} else");
            }
            Decoded::Pass(reason) => {
                assert!(!reason.drops(), "{reason:?} drops what nobody serves");
            }
        }
        claims(frame);
        self.decide(frame, decoded);
    }

    /// The verdict, on tables without notes, and again a second later.
    fn decide(&self, frame: &[u8], decoded: Decoded) {
        let tables = &self.0;
        tables.forget();
        let first = steer(frame, tables);
        match first {
            Verdict::Forward { choice, ip } => self.forwarded(decoded, &choice, &ip),
            Verdict::Refuse { reason, ip } => refused(decoded, reason, &ip),
        }
        tables.wait(1);
        // The notes of the first packet keep the second one with it.
        assert_eq!(outcome(&steer(frame, tables)), outcome(&first), "the same frame again");
        tables.forget();
    }

    /// It goes to a real server of the service that its flow names, and is an IP packet with hops to spare.
    fn forwarded(&self, decoded: Decoded, choice: &Choice, ip: &IpHeader) {
        let tables = &self.0;
        assert!(ip.ttl > 1, "the last hop was forwarded");
        let (Decoded::Flow { ip: read, .. }
        | Decoded::Quote { ip: read, .. }
        | Decoded::Later { ip: read, .. }) = decoded
        else {
            panic!("forwarded: {decoded:?}");
        };
        assert_eq!(*ip, read, "the header that is rewritten");
        let mine = |service: &lb_common::abi::Service| {
            choice.counter.checked_sub(service.counters) == Some(u32::from(choice.number))
        };
        let owner = |key: &ServiceKey| tables.services.get(key).is_some_and(mine);
        match decoded {
            Decoded::Flow { flow, whole, .. } => {
                assert!(whole, "forwarded without a whole header");
                assert!(find(&flow, tables).is_some_and(|service| mine(&service)), "{flow:?}");
            }
            Decoded::Quote { flow, .. } => {
                assert!(find(&flow, tables).is_some_and(|service| mine(&service)), "{flow:?}");
                assert!(!choice.new, "an error begins no connection");
            }
            // Without its first fragment: the only service of the address and protocol.
            Decoded::Later { to, protocol, .. } => {
                let mut keys = tables.services.keys();
                let here = |key: &&ServiceKey| {
                    key.address == Address::from_halves(to) && key.protocol == protocol
                };
                assert!(keys.find(here).is_some_and(owner), "a fragment to {to:?}");
            }
            Decoded::Portless { .. } | Decoded::Pass(_) => {}
        }
    }
}

/// An address that a frame is said to be about stands in it.
fn claims(frame: &[u8]) {
    let stands = |address: Halves| {
        let bytes = Address::from_halves(address).bytes;
        let bytes = if address.is_mapped_v4() { &bytes[12..] } else { &bytes[..] };
        assert!(frame.windows(bytes.len()).any(|window| window == bytes), "{bytes:02x?}");
    };
    let heard = heard(frame);
    if heard.what != What::Nothing {
        stands(heard.address);
    }
    if let Some(address) = told(frame) {
        stands(address);
    }
}

/// Why a frame is not forwarded follows from what it is.
fn refused(decoded: Decoded, reason: Reason, ip: &IpHeader) {
    match decoded {
        Decoded::Pass(said) => assert_eq!(reason, said),
        Decoded::Portless { vip, other, .. } => {
            assert!([vip, other].contains(&reason), "{reason:?}");
        }
        Decoded::Flow { .. } | Decoded::Quote { .. } | Decoded::Later { .. } => {}
    }
    if *ip != IpHeader::NONE {
        let Decoded::Flow { ip: read, .. } = decoded else { panic!("told of {decoded:?}") };
        assert_eq!(*ip, read, "the header that is quoted");
    }
}

/// What two decisions have in common.
fn outcome(verdict: &Verdict) -> Result<(u32, u32), Reason> {
    match verdict {
        Verdict::Forward { choice, .. } => Ok((choice.counter, choice.entry)),
        Verdict::Refuse { reason, .. } => Err(*reason),
    }
}

/// The packet lies in the frame, says what the frame's bytes say, and nothing else of the frame was read.
fn inside(frame: &[u8], decoded: Decoded, ip: &IpHeader) {
    let header = if ip.v6 { 40 } else { 20 };
    assert!((14..=14 + 4 * TAGS).contains(&ip.offset), "a header at {}", ip.offset);
    assert!(ip.length >= header, "{} bytes with a header of {header}", ip.length);
    let end = ip.offset + ip.length;
    assert!(end <= frame.len(), "a packet to {end} in {} bytes", frame.len());
    assert_eq!(frame[ip.offset] >> 4, if ip.v6 { 6 } else { 4 }, "version");
    assert_eq!(frame[ip.offset + if ip.v6 { 7 } else { 8 }], ip.ttl, "TTL");
    // Not a byte behind the packet counts, and none of it can be missing.
    assert_eq!(decode(&frame[..end]), decoded, "without what stands behind the packet");
    let cut = decode(&frame[..end - 1]);
    assert!(matches!(cut, Decoded::Portless { .. } | Decoded::Pass(_)), "cut short: {cut:?}");
}

/// Sender and receiver, read from the frame.
fn addresses(frame: &[u8], ip: &IpHeader) -> (Address, Address) {
    let address = |at: usize| {
        let mut bytes = [0; 16];
        if ip.v6 {
            bytes.copy_from_slice(&frame[at..at + 16]);
        } else {
            bytes[10..12].fill(0xff);
            bytes[12..].copy_from_slice(&frame[at..at + 4]);
        }
        Address { bytes }
    };
    let (from, to) = if ip.v6 { (8, 24) } else { (12, 16) };
    (address(ip.offset + from), address(ip.offset + to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::seeds;

    #[test]
    fn seeds_pass_and_reach_every_kind_of_verdict() {
        let host = Host::default();
        let mut reasons = Vec::new();
        let (mut tunnelled, mut tracked, mut errors) = (0, 0, 0);
        for frame in seeds() {
            host.check(&frame);
            errors += usize::from(matches!(decode(&frame[..]), Decoded::Quote { .. }));
            match steer(&frame[..], &host.0) {
                Verdict::Refuse { reason, .. } => reasons.push(reason),
                Verdict::Forward { choice, .. } => {
                    tunnelled += usize::from(choice.tunnel);
                    tracked += usize::from(choice.tracked);
                }
            }
        }
        assert!(tunnelled > 10 && tracked > 5 && errors > 5, "{tunnelled} {tracked} {errors}");
        for reason in [
            Reason::NoService,
            Reason::PassTruncated,
            Reason::PassHeaders,
            Reason::Headers,
            Reason::PassFragment,
            Reason::Fragment,
        ] {
            assert!(reasons.contains(&reason), "no seed for {reason:?}");
        }
    }
}
