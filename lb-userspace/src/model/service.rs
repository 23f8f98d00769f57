//! A virtual service: an address and its ports, and the pool that serves them.

use std::{fmt, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Flood, Guard, Mark, Name, Persistence, PortSpec, Protocol, ProxyService, SchedulerKind,
    duration, show_duration,
};

/// The way packets take to a real server.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The frame gets the real server's MAC address; the answer goes to the client directly.
    #[default]
    DirectRouting,
    /// The packet is wrapped for the real server; the answer goes to the client directly.
    Tunnel,
    /// The proxy passes connections on.
    Tcp,
    /// The proxy passes requests on.
    Http,
}

impl Mode {
    /// A worker serves it, not XDP.
    pub const fn is_proxied(self) -> bool {
        matches!(self, Self::Tcp | Self::Http)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DirectRouting => "direct-routing",
            Self::Tunnel => "tunnel",
            Self::Tcp => "tcp",
            Self::Http => "http",
        })
    }
}

/// An address and its ports, served by a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name, unique in the configuration.
    pub name: Name,
    /// The virtual address (VIP) clients connect to.
    pub address: IpAddr,
    /// Its ports: at least one, sorted, none twice. Several make a bundle.
    pub ports: Vec<PortSpec>,
    /// The number of the bundle.
    pub mark: Option<Mark>,
    /// The way to the real servers.
    pub mode: Mode,
    /// Whether clients keep their real server.
    pub persistence: Option<Persistence>,
    /// Whether UDP flows keep their real server through a change; `None`: each datagram for itself.
    pub udp_idle: Option<UdpIdle>,
    /// Do its UDP ports carry QUIC, whose connections are tracked as TCP's are?
    pub quic: bool,
    /// Who may open connections, and how often; `None`: everyone, always.
    pub guard: Option<Guard>,
    /// When new connections leave no notes; `None`: never.
    pub flood: Option<Flood>,
    /// The pool that serves it.
    pub pool: Name,
    /// What the proxy does for it; there with the modes of the proxy alone.
    pub proxy: Option<Box<ProxyService>>,
}

/// For how long a UDP flow is one: the time after its last datagram, 1s to 1h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UdpIdle(#[serde(with = "duration::text")] Duration);

/// The time is not a [`UdpIdle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a UDP flow ends 1s to 1h after its last datagram", show_duration(*.0))]
pub struct UdpIdleError(Duration);

impl UdpIdle {
    /// Checks the range.
    pub fn new(value: Duration) -> Result<Self, UdpIdleError> {
        if (Duration::from_secs(1)..=Duration::from_secs(3_600)).contains(&value) {
            Ok(Self(value))
        } else {
            Err(UdpIdleError(value))
        }
    }

    /// As a duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// What of a packet decides which real server it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashKey {
    /// Addresses and ports: every connection for itself.
    Flow,
    /// The first bits of the client's address.
    Source {
        /// So many of them.
        prefix: u8,
    },
}

impl Service {
    /// Does it hold several ports, so that one client's connections to them belong together?
    pub fn is_bundle(&self) -> bool {
        self.ports.len() > 1 || self.ports.iter().any(|spec| spec.is_wildcard() || spec.count() > 1)
    }

    /// What decides about a packet's real server: with persistence, for a bundle and for the
    /// schedulers by source it is the client's address, otherwise the whole flow.
    pub fn hash_key(&self, scheduler: SchedulerKind) -> HashKey {
        let by_source = self.persistence.is_some() || self.is_bundle() || scheduler.by_source();
        if !by_source {
            return HashKey::Flow;
        }
        let persistence = self.persistence.clone().unwrap_or_default();
        let prefix = match self.address {
            IpAddr::V4(_) => persistence.ipv4_prefix,
            IpAddr::V6(_) => persistence.ipv6_prefix,
        };
        HashKey::Source { prefix }
    }

    /// The pool that XDP sends its packets to: its own, or the one that is this host.
    pub fn pool_in_maps(&self) -> Name {
        if self.proxy.is_some() { Name::of_proxy() } else { self.pool.clone() }
    }

    /// The first of its TCP ports that it names.
    pub fn first_port(&self, protocol: Protocol) -> Option<u16> {
        self.ports
            .iter()
            .find(|spec| spec.protocol == protocol && !spec.is_wildcard())
            .map(|spec| spec.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(ports: &[&str], persistence: Option<Persistence>) -> Service {
        Service {
            name: Name::new("web").unwrap(),
            address: "10.0.0.1".parse().unwrap(),
            ports: ports.iter().map(|text| text.parse().unwrap()).collect(),
            mark: None,
            mode: Mode::DirectRouting,
            persistence,
            udp_idle: None,
            quic: false,
            guard: None,
            flood: None,
            pool: Name::new("web").unwrap(),
            proxy: None,
        }
    }

    #[test]
    fn what_is_hashed() {
        let wide = Persistence { ipv4_prefix: 24, ..Persistence::default() };
        let source = |prefix| HashKey::Source { prefix };
        for (ports, persistence, scheduler, key) in [
            (&["tcp/80"][..], None, SchedulerKind::Maglev, HashKey::Flow),
            (&["tcp/80"], None, SchedulerKind::Source, source(32)),
            (&["tcp/80"], None, SchedulerKind::Mh, source(32)),
            (&["tcp/80"], None, SchedulerKind::Wlc, HashKey::Flow),
            (&["tcp/80"], Some(wide.clone()), SchedulerKind::Maglev, source(24)),
            (&["tcp/80", "tcp/443"], None, SchedulerKind::Maglev, source(32)),
            (&["tcp/80-81"], None, SchedulerKind::Maglev, source(32)),
            (&["tcp/*"], None, SchedulerKind::Maglev, source(32)),
        ] {
            assert_eq!(service(ports, persistence).hash_key(scheduler), key, "{ports:?}");
        }
    }

    #[test]
    fn first_port() {
        assert_eq!(
            service(&["tcp/*", "tcp/443", "udp/53"], None).first_port(Protocol::Tcp),
            Some(443)
        );
        assert_eq!(service(&["tcp/*", "udp/53"], None).first_port(Protocol::Tcp), None);
        assert_eq!(service(&["tcp/*", "udp/53"], None).first_port(Protocol::Udp), Some(53));
        assert_eq!(service(&["tcp/8000-8100"], None).first_port(Protocol::Tcp), Some(8_000));
    }
}
