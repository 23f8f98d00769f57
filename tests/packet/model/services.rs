//! One service of each manner, all of one pool.

use std::time::Duration;

use super::rules::Says;
use crate::family::{BUNDLE, Family, SINGLE, WILDCARD, pool, service};

/// Maps with room for many rings, which rest before they are used again.
const LIMITS: &str = "[limits]\nservices = 64\nreals = 64\ncounters = 1024\nring_slots = 4194304\n";

/// A virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Service {
    /// Plain TCP.
    Web,
    /// A bundle with persistence.
    Shop,
    /// Persistence of networks; clients of a drained real server stay.
    Bank,
    /// UDP whose flows stay.
    Dns,
    /// UDP, each datagram for itself.
    Ntp,
    /// QUIC.
    Quic,
}

/// For how long what of a service stays where it is after a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stays {
    /// Its clients, or its flows?
    pub(super) clients: bool,
    /// How many clients are of one network, and stay together.
    pub(super) network: u16,
    /// After their last packet, and after the change.
    pub(super) idle: Duration,
    /// At a drained real server, too.
    pub(super) cling: bool,
}

impl Service {
    pub(super) const ALL: [Self; 6] =
        [Self::Web, Self::Shop, Self::Bank, Self::Dns, Self::Ntp, Self::Quic];

    pub(super) const fn stays(self) -> Option<Stays> {
        let (clients, network, seconds, cling) = match self {
            Self::Shop => (true, 1, 60, false),
            Self::Bank => (true, 2, 60, true),
            Self::Dns => (false, 1, 30, true),
            Self::Web | Self::Ntp | Self::Quic => return None,
        };
        Some(Stays { clients, network, idle: Duration::from_secs(seconds), cling })
    }

    /// Its name, without the family.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Shop => "shop",
            Self::Bank => "bank",
            Self::Dns => "dns",
            Self::Ntp => "ntp",
            Self::Quic => "quic",
        }
    }
}

/// A port of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Port {
    Web,
    ShopHttp,
    ShopHttps,
    ShopUdp,
    Bank,
    Dns,
    Ntp,
    Quic,
}

impl Port {
    pub(super) const ALL: [Self; 8] = [
        Self::Web,
        Self::ShopHttp,
        Self::ShopHttps,
        Self::ShopUdp,
        Self::Bank,
        Self::Dns,
        Self::Ntp,
        Self::Quic,
    ];

    pub(super) const fn service(self) -> Service {
        match self {
            Self::Web => Service::Web,
            Self::ShopHttp | Self::ShopHttps | Self::ShopUdp => Service::Shop,
            Self::Bank => Service::Bank,
            Self::Dns => Service::Dns,
            Self::Ntp => Service::Ntp,
            Self::Quic => Service::Quic,
        }
    }

    /// Last part of the VIP, protocol, number.
    pub(super) const fn stands(self) -> (u16, u8, u16) {
        match self {
            Self::Web => (SINGLE, TCP, 80),
            Self::ShopHttp => (BUNDLE, TCP, 80),
            Self::ShopHttps => (BUNDLE, TCP, 443),
            Self::ShopUdp => (BUNDLE, UDP, 443),
            Self::Bank => (WILDCARD, TCP, 443),
            Self::Dns => (SINGLE, UDP, 53),
            Self::Ntp => (SINGLE, UDP, 123),
            Self::Quic => (SINGLE, UDP, 443),
        }
    }

    /// Its packets tell where a connection begins.
    pub(super) const fn has_connections(self) -> bool {
        self.stands().1 == TCP || matches!(self, Self::Quic)
    }

    /// What can be heard of what is said: the ends of QUIC are encrypted.
    pub(super) const fn heard(self, says: Says) -> Says {
        match (self, says) {
            (Self::Quic, Says::End | Says::Reset) => Says::More,
            _ => says,
        }
    }
}

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// A flow: a client, one of its ports, and what that is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) client: u16,
    pub(super) from: u16,
    pub(super) port: Port,
}

/// All services in both families, with three real servers each; each table holds so many notes.
pub(super) fn config(flows: usize) -> String {
    let sticky = |(v4, v6), drain: &str| {
        let prefixes = format!("source = \"/{v4}\", source6 = \"/{v6}\"");
        format!("persistence = {{ {prefixes}, timeout = \"60s\", drain = \"{drain}\" }}\n")
    };
    let services = |family| {
        let one = |of: Service, last, ports: &[&str], key: &str| {
            service(family, of.name(), last, ports, "web") + key
        };
        [
            pool(family, "web", &[(1, 1), (2, 2), (3, 1)], ""),
            one(Service::Web, SINGLE, &["tcp/80"], ""),
            one(
                Service::Shop,
                BUNDLE,
                &["tcp/80", "tcp/443", "udp/443"],
                &sticky((32, 128), "move"),
            ),
            one(Service::Bank, WILDCARD, &["tcp/443"], &sticky((31, 47), "stay")),
            one(Service::Dns, SINGLE, &["udp/53"], "udp_idle = \"30s\"\n"),
            one(Service::Ntp, SINGLE, &["udp/123"], ""),
            one(Service::Quic, SINGLE, &["udp/443"], "quic = true\n"),
        ]
        .concat()
    };
    let limits = format!("{LIMITS}flows = {flows}\nnew_flows = {flows}\n");
    [limits, services(Family::V4), services(Family::V6)].concat()
}
