//! The far end of tunnels: which lists tell the XDP program what it takes apart, and from whom.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use lb_common::abi::{GuardAction, GuardList};

use crate::model::{Node, TunnelKind};

/// Prefixes of lists with their values, by the number of the list.
pub type Entries = BTreeMap<(u32, IpNet), u32>;

/// The lists that [`ends`] fills.
pub const END_LISTS: [u32; 2] = [GuardList::ENDS, GuardList::TUNNELS];

/// What these lists should hold: our own addresses at which tunnels end, with the UDP port of GUE, and who may
/// send to them.
#[must_use]
pub fn ends(node: &Node) -> Entries {
    let port = u32::from(TunnelKind::DEFAULT_GUE_PORT);
    let end = |address: &IpAddr| ((GuardList::ENDS, IpNet::from(*address)), port);
    let sender = |net: &IpNet| ((GuardList::TUNNELS, net.trunc()), GuardAction::Allow as u32);
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
            Entries::from([
                ((GuardList::ENDS, net("10.8.8.51/32")), 6_080),
                ((GuardList::ENDS, net("fd00::51/128")), 6_080),
                ((GuardList::TUNNELS, net("10.8.8.0/24")), 1),
                ((GuardList::TUNNELS, net("fd00::/64")), 1),
            ])
        );
        node.decapsulate.clear();
        assert!(ends(&node).is_empty(), "nobody needs to send to nowhere");
    }
}
