//! The far end of tunnels: which lists tell the XDP program what it takes apart, and from whom.

use std::net::IpAddr;

use ipnet::IpNet;
use lb_common::abi::{GuardAction, GuardList};

use super::lists::{Lists, Prefix};
use crate::model::{Node, TunnelKind};

/// What these lists should hold: our own addresses at which tunnels end, with the UDP port of GUE, and who may
/// send to them.
#[must_use]
pub(super) fn ends(node: &Node) -> Lists {
    let port = u32::from(TunnelKind::DEFAULT_GUE_PORT);
    let end = |address: &IpAddr| (Prefix::new(GuardList::ENDS, IpNet::from(*address)), port);
    let sender = |net: &IpNet| (Prefix::new(GuardList::TUNNELS, *net), GuardAction::Allow as u32);
    let senders = node.decapsulate_from.iter().filter(|_| !node.decapsulate.is_empty());
    node.decapsulate.iter().map(end).chain(senders.map(sender)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::config;

    #[test]
    fn ends_and_senders_of_both_families() {
        let mut node = config("").node;
        assert!(ends(&node).is_empty());
        node.decapsulate = vec!["10.8.8.51".parse().unwrap(), "fd00::51".parse().unwrap()];
        node.decapsulate_from = vec!["10.8.8.7/24".parse().unwrap(), "fd00::/64".parse().unwrap()];
        let net = |text: &str| text.parse().unwrap();
        assert_eq!(
            ends(&node),
            Lists::from([
                (Prefix::new(GuardList::ENDS, net("10.8.8.51/32")), 6_080),
                (Prefix::new(GuardList::ENDS, net("fd00::51/128")), 6_080),
                (Prefix::new(GuardList::TUNNELS, net("10.8.8.0/24")), 1),
                (Prefix::new(GuardList::TUNNELS, net("fd00::/64")), 1),
            ])
        );
        node.decapsulate.clear();
        assert!(ends(&node).is_empty(), "nobody needs to send to nowhere");
    }
}
