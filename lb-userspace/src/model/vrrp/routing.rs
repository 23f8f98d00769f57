//! Routes and rules that a master adds along with its VIPs, and takes away when it leaves.

use std::{
    fmt,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use ipnet::IpNet;

use crate::model::{InterfaceName, Mark};

/// Everything of one instance, all of the family of its VIPs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualRouting {
    /// Added in this order, taken away in the opposite one.
    pub routes: Vec<VirtualRoute>,
    /// Added after the routes, so that none leads to a table that is empty.
    pub rules: Vec<VirtualRule>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualRoute {
    /// Packets for these addresses take it.
    pub destination: IpNet,
    /// Where they go.
    pub way: RouteWay,
    /// The routing table it is in.
    pub table: RouteTable,
    /// The lowest wins; `None`: as the kernel has it.
    pub metric: Option<NonZeroU32>,
}

/// What becomes of packets that take a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteWay {
    /// They are dropped.
    Blackhole,
    /// They leave by an interface.
    Out {
        /// The next router; `None`: the destination is on the link.
        via: Option<IpAddr>,
        /// The router is on the link, even where no address of ours says so.
        onlink: bool,
        /// `None`: the instance's.
        interface: Option<InterfaceName>,
        /// What connections of this host are sent from.
        source: Option<IpAddr>,
        /// IPv4 alone; `None`: `link` without a router, else `global`.
        scope: Option<RouteScope>,
    },
}

/// How far the destination of an IPv4 route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteScope {
    /// Behind a router.
    Global,
    /// On the link.
    Link,
    /// On this host.
    Host,
}

/// A rule that picks a routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualRule {
    /// Rules are asked in the order of their priorities.
    pub priority: RulePriority,
    /// For packets from here; `None`: from anywhere.
    pub from: Option<IpNet>,
    /// For packets to these addresses; `None`: to any.
    pub to: Option<IpNet>,
    /// For packets that came in here.
    pub input: Option<InterfaceName>,
    /// For packets of sockets that are bound to this interface.
    pub output: Option<InterfaceName>,
    /// For packets with this mark of the firewall.
    pub mark: Option<Mark>,
    /// The table that is asked.
    pub table: RouteTable,
}

/// The number of a routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteTable(NonZeroU32);

/// The place of a rule among the others: after the kernel's own for local addresses, before that for the main table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulePriority(NonZeroU16);

/// A number that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// No such table.
    #[error("table {0} is out of range: a routing table is 1 to {max} (254: main)", max = u32::MAX)]
    Table(i128),
    /// No such metric.
    #[error("metric {0} is out of range: a metric is 1 to {max}", max = u32::MAX)]
    Metric(i128),
    /// No such place.
    #[error("priority {0} is out of range: that of a rule is 1 to {max}", max = RulePriority::MAX)]
    Priority(i128),
}

impl RouteTable {
    /// The one that is asked without any rule of ours.
    pub const MAIN: Self = Self(NonZeroU32::new(254).unwrap());

    /// Checks the range.
    pub fn new(value: impl Into<i128>) -> Result<Self, RoutingError> {
        let value = value.into();
        positive(value).map(Self).ok_or(RoutingError::Table(value))
    }

    /// As a number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl RulePriority {
    /// The last before the rule for the main table.
    pub const MAX: u16 = 32_765;

    /// Checks the range.
    pub fn new(value: impl Into<i128>) -> Result<Self, RoutingError> {
        let value = value.into();
        let number = u16::try_from(value).ok().filter(|number| *number <= Self::MAX);
        number.and_then(NonZeroU16::new).map(Self).ok_or(RoutingError::Priority(value))
    }

    /// As a number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl VirtualRoute {
    /// Checks the range of a metric.
    pub fn metric(value: impl Into<i128>) -> Result<NonZeroU32, RoutingError> {
        let value = value.into();
        positive(value).ok_or(RoutingError::Metric(value))
    }
}

fn positive(value: i128) -> Option<NonZeroU32> {
    u32::try_from(value).ok().and_then(NonZeroU32::new)
}

/// As `ip route` writes it.
impl fmt::Display for VirtualRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            RouteWay::Blackhole => write!(f, "blackhole {}", self.destination)?,
            RouteWay::Out { via, interface, .. } => {
                write!(f, "{}", self.destination)?;
                option(f, "via", via.as_ref())?;
                option(f, "dev", interface.as_ref())?;
            }
        }
        option(f, "table", (self.table != RouteTable::MAIN).then_some(self.table.get()))?;
        option(f, "metric", self.metric)
    }
}

/// As `ip rule` writes it.
impl fmt::Display for VirtualRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "priority {}", self.priority.get())?;
        option(f, "from", self.from)?;
        option(f, "to", self.to)?;
        option(f, "iif", self.input.as_ref())?;
        option(f, "oif", self.output.as_ref())?;
        option(f, "fwmark", self.mark)?;
        write!(f, " table {}", self.table.get())
    }
}

fn option(f: &mut fmt::Formatter<'_>, word: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {word} {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(RouteTable::new(254), Ok(RouteTable::MAIN));
        assert_eq!(RouteTable::new(u32::MAX).unwrap().get(), u32::MAX);
        assert_eq!(RulePriority::new(32_765).unwrap().get(), 32_765);
        assert_eq!(VirtualRoute::metric(1).unwrap().get(), 1);
        for bad in [-1, 0, i128::from(u32::MAX) + 1] {
            assert_eq!(RouteTable::new(bad), Err(RoutingError::Table(bad)));
            assert_eq!(VirtualRoute::metric(bad), Err(RoutingError::Metric(bad)));
            assert_eq!(RulePriority::new(bad), Err(RoutingError::Priority(bad)));
        }
        assert_eq!(RulePriority::new(32_766), Err(RoutingError::Priority(32_766)));
    }
}
