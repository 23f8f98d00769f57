//! How long guard lists take to load.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use lb_userspace::model::GuardAction;

use crate::{measure::middle, plane::Plane, timed_once};

/// Prefixes of the lists that are loaded: half of them IPv4.
pub(crate) const PREFIXES: u32 = 100_000;
const ROUNDS: u32 = 3;

/// From the operator's words to the last prefix in the trie, in milliseconds: the median of loads into an
/// empty trie.
pub(crate) fn load(config: &str) -> f64 {
    let mut plane = Plane::new(config);
    let prefixes: Vec<_> = (0..PREFIXES / 2).flat_map(|n| [prefix4(n), prefix6(n)]).collect();
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            plane.guards.clear(&plane.config, None).expect("all lists");
            plane.update_lists();
            timed_once(|| {
                let said = plane.guards.set(&plane.config, None, GuardAction::Deny, &prefixes);
                said.expect("they are fewer than the limit");
                plane.update_lists();
            })
        })
        .collect();
    let lists = plane.data.lists().expect("the lists can be read");
    assert_eq!(lists.len(), prefixes.len(), "all of them are there");
    middle(&mut times)
}

/// Networks all over the space, each one once.
fn prefix4(n: u32) -> IpNet {
    let address = n.wrapping_mul(0x9e37_79b1).to_be_bytes();
    Ipv4Net::new(address.into(), 32).unwrap_or_default().into()
}

fn prefix6(n: u32) -> IpNet {
    let address = 0x2001_0db8_u128 << 96 | u128::from(n.wrapping_mul(0x9e37_79b1)) << 48;
    Ipv6Net::new(address.into(), 80).unwrap_or_default().into()
}
