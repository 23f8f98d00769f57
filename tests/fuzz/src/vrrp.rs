//! What must hold of every VRRP packet: what was heard of a sender is what that sender would say.

use std::{
    io,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use lb_userspace::vrrp::{
    packet::{Advertisement, Endpoint, GROUP_V6, HOPS, Packet, Reject, parse},
    types::{
        Addresses, AdvertInterval, Authentication, ChecksumKind, Claim, Dialect, Family, Key,
        Priority, Secret, VirtualRouterId,
    },
};

const VRID: u8 = 51;
const SENDERS: [&str; 2] = ["10.9.0.1", "fe80::1"];
const RECEIVERS: [&str; 2] = ["10.9.0.2", "fe80::2"];

/// One receiver for each dialect and family.
pub struct Host(Vec<(Dialect, Endpoint)>);

impl Default for Host {
    fn default() -> Self {
        Self(endpoints(RECEIVERS))
    }
}

impl Host {
    /// Checks one packet: as one of IPv4, and as the payload of one of IPv6.
    ///
    /// # Panics
    /// Where something does not hold.
    pub fn check(&self, bytes: &[u8]) {
        for (dialect, ours) in &self.0 {
            let Ok(heard) = hear(bytes, ours) else { continue };
            assert_ne!(heard.source, ours.source(), "our own");
            assert_eq!(heard.interval.version(), dialect.version(), "another version");
            let Some(theirs) = sender(&heard, *dialect) else { continue };
            let again = theirs.emit(heard.claim, 1).remove(0).bytes;
            if let (IpAddr::V6(source), IpAddr::V6(_)) = (heard.source, ours.source()) {
                assert_eq!(hear_v6(&again, source, ours), Ok(heard));
            } else {
                assert_eq!(hear(&again, ours), Ok(heard));
            }
        }
    }
}

/// Who would send this. `None` where it breaks a rule for senders that receivers forgive.
fn sender(heard: &Advertisement, dialect: Dialect) -> Option<Endpoint> {
    let dialect = match (dialect, heard.interval) {
        (Dialect::V3 { checksum, .. }, AdvertInterval::V3(interval)) => {
            Dialect::V3 { interval, checksum }
        }
        (other, _) => other,
    };
    let list: Vec<IpAddr> = heard.addresses.iter().collect();
    let addresses = Addresses::new(heard.addresses.family(), &list).ok()?;
    Endpoint::new(heard.virtual_router, dialect, heard.source, vec![], addresses).ok()
}

fn hear(bytes: &[u8], ours: &Endpoint) -> Result<Advertisement, Reject> {
    match ours.addresses().family() {
        Family::V4 => parse(Packet::V4(bytes), |id| (id == ours.virtual_router()).then_some(ours)),
        Family::V6 => hear_v6(bytes, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), ours),
    }
}

fn hear_v6(payload: &[u8], source: Ipv6Addr, ours: &Endpoint) -> Result<Advertisement, Reject> {
    let packet = Packet::V6 { source, destination: GROUP_V6, hop_limit: HOPS, payload };
    parse(packet, |id| (id == ours.virtual_router()).then_some(ours))
}

/// In every dialect, from these two addresses.
fn endpoints(from: [&str; 2]) -> Vec<(Dialect, Endpoint)> {
    let secret = Secret::cut("s3cret");
    let second = |authentication| Dialect::V2 {
        interval: Duration::from_secs(1).try_into().expect("a second"),
        authentication,
    };
    let third = |checksum| Dialect::V3 {
        interval: Duration::from_millis(100).try_into().expect("ten centiseconds"),
        checksum,
    };
    let id = VirtualRouterId::new(VRID).expect("a VRID");
    let endpoint = |dialect, from: &str, vips: &[&str]| {
        let vips: Vec<IpAddr> = vips.iter().map(|vip| vip.parse().expect("an address")).collect();
        let addresses = Addresses::new(Family::of(vips[0]), &vips).expect("VIPs");
        let from = from.parse().expect("an address");
        (dialect, Endpoint::new(id, dialect, from, vec![], addresses).expect("an endpoint"))
    };
    let v4 = ["10.9.0.100", "10.9.0.101"];
    vec![
        endpoint(second(Authentication::None), from[0], &v4),
        endpoint(second(Authentication::Pass(secret)), from[0], &v4),
        endpoint(second(Authentication::Ah(Key::new(secret))), from[0], &v4),
        endpoint(third(ChecksumKind::PseudoHeader), from[0], &v4),
        endpoint(third(ChecksumKind::MessageOnly), from[0], &v4),
        endpoint(third(ChecksumKind::PseudoHeader), from[1], &["fe80::100", "2001:db8::1"]),
    ]
}

/// Makes total length and checksum of an IPv4 packet right, where the checksum has no pseudo-header: else no
/// mutated packet would be looked into.
pub fn fit(packet: &mut [u8]) {
    if packet.len() < 28 || packet[0] != 0x45 || packet[9] != 112 {
        return;
    }
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[26..28].fill(0);
    let words = packet[20..].chunks(2);
    let sum: u32 =
        words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    packet[26..28].copy_from_slice(&(!folded).to_be_bytes()[2..]);
}

/// Writes a good packet of each kind to where `cargo xtask fuzz` wants seeds.
///
/// # Errors
/// The file system's.
pub fn write() -> io::Result<()> {
    crate::seeds::put(seeds())
}

fn seeds() -> Vec<Vec<u8>> {
    let claims = [Claim::Leaving, Claim::Master(Priority::DEFAULT), Claim::Master(Priority::OWNER)];
    let senders = endpoints(SENDERS);
    let packets = senders.iter().flat_map(|(_, endpoint)| {
        claims.iter().flat_map(|claim| endpoint.emit(*claim, 7)).map(|packet| packet.bytes)
    });
    packets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_is_heard_by_one_receiver_and_passes() {
        let host = Host::default();
        let seeds = seeds();
        assert_eq!(seeds.len(), 18);
        for packet in seeds {
            host.check(&packet);
            let heard = host.0.iter().filter(|(_, ours)| hear(&packet, ours).is_ok()).count();
            assert_eq!(heard, 1, "{packet:02x?}");
        }
    }

    #[test]
    fn a_mutated_packet_is_fit_to_be_heard() {
        let host = Host::default();
        let (_, ours) = &host.0[0];
        let mut packet = seeds().remove(1);
        (packet[3], packet[22]) = (0, 7);
        assert!(hear(&packet, ours).is_err());
        fit(&mut packet);
        assert_eq!(hear(&packet, ours).map(|heard| heard.claim.to_wire()), Ok(7));
    }
}
