//! An endpoint's advertisements, as bytes for a raw socket.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    ADVERTISEMENT, AH_PROTOCOL, AUTH_AH, AUTH_NONE, AUTH_PASS, CHECKSUM, Endpoint, PROTOCOL, ah,
    checksum::{internet, pseudo_header},
    ipv4,
};
use crate::vrrp::types::{Authentication, ChecksumKind, Claim, Dialect, Key, Secret};

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub destination: IpAddr,
    /// IPv4: with the IP header (`IP_HDRINCL`). IPv6: the payload, to be sent with [`super::HOPS`] and
    /// [`super::TRAFFIC_CLASS`].
    pub bytes: Vec<u8>,
}

impl Endpoint {
    /// The advertisement, once for each destination.
    ///
    /// `sequence` counts the instance's advertisements. An authentication header carries it, and receivers may
    /// insist that it grows: let it start higher after a restart (with the time, for instance).
    #[must_use]
    pub fn emit(&self, claim: Claim, sequence: u32) -> Vec<Outgoing> {
        let packet = |destination| Outgoing {
            destination,
            bytes: self.packet(claim, destination, sequence),
        };
        self.destinations().into_iter().map(packet).collect()
    }

    fn packet(&self, claim: Claim, destination: IpAddr, sequence: u32) -> Vec<u8> {
        let message = self.message(claim, destination);
        match (self.source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.over_ipv4(source, destination, sequence, &message)
            }
            _ => message,
        }
    }

    fn over_ipv4(
        &self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        sequence: u32,
        message: &[u8],
    ) -> Vec<u8> {
        let [.., high, low] = sequence.to_be_bytes();
        let id = u16::from_be_bytes([high, low]).max(1);
        let key: Option<&Key> = match &self.dialect {
            Dialect::V2 { authentication: Authentication::Ah(key), .. } => Some(key),
            Dialect::V2 { .. } | Dialect::V3 { .. } => None,
        };
        let Some(key) = key else {
            let ip = ipv4::header(source, destination, PROTOCOL, id, message.len());
            return [&ip[..], message].concat();
        };
        let ip = ipv4::header(source, destination, AH_PROTOCOL, id, ah::LENGTH + message.len());
        let ah = ah::header(key, &ip, source, sequence, message);
        [&ip[..], &ah, message].concat()
    }

    /// The message with its checksum.
    fn message(&self, claim: Claim, destination: IpAddr) -> Vec<u8> {
        let first = self.dialect.version().get() << 4 | ADVERTISEMENT;
        let mut message =
            vec![first, self.virtual_router.get(), claim.to_wire(), self.addresses.count()];
        match &self.dialect {
            Dialect::V2 { interval, authentication } => {
                message.extend([authentication_type(authentication), interval.to_wire()]);
            }
            Dialect::V3 { interval, .. } => message.extend(interval.to_wire().to_be_bytes()),
        }
        message.extend([0, 0]);
        self.addresses.write(&mut message);
        if let Dialect::V2 { authentication, .. } = &self.dialect {
            message.extend(authentication_data(authentication));
        }
        let sum = self.checksum(self.source, destination, &message);
        message[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
        message
    }

    /// The checksum that belongs into the message, or 0 if it holds that already.
    pub(super) fn checksum(&self, source: IpAddr, destination: IpAddr, message: &[u8]) -> u16 {
        let alone = match self.dialect {
            Dialect::V2 { .. } => true,
            Dialect::V3 { checksum, .. } => {
                checksum == ChecksumKind::MessageOnly && self.source.is_ipv4()
            }
        };
        if alone {
            internet(&[message])
        } else {
            internet(&[&pseudo_header(source, destination, message.len()), message])
        }
    }
}

/// The byte that names it.
pub(super) const fn authentication_type(authentication: &Authentication) -> u8 {
    match authentication {
        Authentication::None => AUTH_NONE,
        Authentication::Pass(_) => AUTH_PASS,
        Authentication::Ah(_) => AUTH_AH,
    }
}

/// The eight bytes at the end, which are there in any case.
const fn authentication_data(authentication: &Authentication) -> [u8; Secret::LENGTH] {
    match authentication {
        Authentication::Pass(secret) => *secret.bytes(),
        Authentication::None | Authentication::Ah(_) => [0; Secret::LENGTH],
    }
}
