//! The trie of prefixes (guards, and the ends of tunnels): what it should hold, and what has to be changed in it.
//!
//! It is not part of [`super::Desired`]: lists are long and seldom change, health changes often.

use std::collections::HashMap;

use ipnet::IpNet;
use lb_common::abi::{self, Address, GuardList};

use super::{Numbering, ends::ends, guards::GuardLists, guards::shadows_ipv4};
use crate::model::{Config, GuardAction};

/// A prefix of a list, as the trie has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// Bits of the list's number and of the address that count.
    pub length: u32,
    /// The list and the address.
    pub key: GuardList,
}

/// What the trie holds: a [`lb_common::abi::GuardAction`] as a number, or [`SILENCE`]; for the ends of tunnels
/// the UDP port of GUE.
pub type Lists = HashMap<Prefix, u32>;

/// The list says nothing of this prefix, whatever it says of a shorter one.
pub const SILENCE: u32 = 0;

/// Bits in front of an IPv4 address, which the maps hold mapped to IPv6.
const MAPPED_BITS: u32 = 96;

impl Prefix {
    /// A prefix of the list with that number.
    #[must_use]
    pub fn new(list: u32, prefix: IpNet) -> Self {
        let mapped = if prefix.addr().is_ipv4() { MAPPED_BITS } else { 0 };
        Self {
            length: GuardList::LIST_BITS + mapped + u32::from(prefix.prefix_len()),
            key: GuardList::new(list, Address::from(prefix.network())),
        }
    }
}

/// What the trie should hold. A service without a number yet has no list.
#[must_use]
pub fn wanted(config: &Config, operator: &GuardLists, numbering: &Numbering) -> Lists {
    let mut wanted = ends(&config.node);
    for (service, list) in operator.whole(config) {
        let number = match service {
            None => GuardList::EVERY,
            Some(name) => match numbering.services.get(&name).map(|numbers| numbers.guard) {
                Some(guard) if guard > 0 => u32::from(guard),
                _ => continue,
            },
        };
        if shadows_ipv4(&list) {
            wanted.insert(Prefix::new(number, IpNet::V4(ipnet::Ipv4Net::default())), SILENCE);
        }
        for (prefix, (action, _)) in list {
            let action = match action {
                GuardAction::Allow => abi::GuardAction::Allow,
                GuardAction::Deny => abi::GuardAction::Deny,
            };
            wanted.insert(Prefix::new(number, prefix), action as u32);
        }
    }
    wanted
}

/// What has to be done to the trie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChanges {
    /// Prefixes to write, some of them over another action.
    pub put: Vec<(Prefix, u32)>,
    /// Prefixes to remove.
    pub remove: Vec<Prefix>,
}

impl ListChanges {
    /// From what is there to what should be.
    #[must_use]
    pub fn between(actual: &Lists, wanted: &Lists) -> Self {
        let new = |(prefix, action): &(&Prefix, &u32)| actual.get(prefix) != Some(action);
        let gone = |prefix: &&Prefix| !wanted.contains_key(prefix);
        Self {
            put: wanted.iter().filter(new).map(|(prefix, action)| (*prefix, *action)).collect(),
            remove: actual.keys().filter(gone).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{config, name};

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn numbered(guard: &str) -> (Config, Numbering, u32) {
        let config = config(&format!(
            "[[pool]]\nname = \"p\"\nservers = [{{ name = \"r1\", address = \"10.0.1.1\" }}]\n\
             [[service]]\nname = \"web\"\naddress = \"10.0.0.1\"\nports = [\"tcp/80\"]\npool = \"p\"\n\
             {guard}\n"
        ));
        let numbering = Numbering::default().assign(&config, 16).unwrap();
        let number = u32::from(numbering.services[&name("web")].guard);
        (config, numbering, number)
    }

    #[test]
    fn a_list_has_the_number_of_its_guard() {
        let (config, numbering, number) =
            numbered("guard = { allow = [\"10.1.0.0/16\"], deny = [\"fd00::/8\"] }");
        let mut lists = GuardLists::default();
        lists.set(&config, None, GuardAction::Deny, &[net("192.0.2.0/24")]).unwrap();
        let (allow, deny) = (abi::GuardAction::Allow as u32, abi::GuardAction::Deny as u32);
        let expected = Lists::from([
            (Prefix::new(number, net("10.1.0.0/16")), allow),
            (Prefix::new(number, net("fd00::/8")), deny),
            (Prefix::new(GuardList::EVERY, net("192.0.2.0/24")), deny),
        ]);
        assert_eq!(wanted(&config, &lists, &numbering), expected);
        assert_eq!(Prefix::new(number, net("10.1.0.0/16")).length, 32 + 96 + 16);
        assert_eq!(Prefix::new(number, net("fd00::/8")).length, 32 + 8);
    }

    #[test]
    fn a_service_without_a_guard_has_no_list() {
        let (config, numbering, _) = numbered("");
        let lists = GuardLists {
            services: [(name("web"), [(net("10.0.0.0/8"), GuardAction::Deny)].into())].into(),
            ..GuardLists::default()
        };
        assert!(wanted(&config, &lists, &numbering).is_empty());
    }

    #[test]
    fn ipv6_prefixes_do_not_speak_of_ipv4() {
        let (config, numbering, _) = numbered("guard = {}");
        let all4 = Prefix::new(GuardList::EVERY, net("0.0.0.0/0"));
        for (prefixes, silent) in [
            (&["::/0"][..], Some(SILENCE)),
            (&["10.0.0.0/8", "::/32"], Some(SILENCE)),
            (&["2000::/3"], None),
            (&["::/0", "0.0.0.0/0"], Some(abi::GuardAction::Deny as u32)),
        ] {
            let mut lists = GuardLists::default();
            let prefixes: Vec<_> = prefixes.iter().map(|text| net(text)).collect();
            lists.set(&config, None, GuardAction::Deny, &prefixes).unwrap();
            let found = wanted(&config, &lists, &numbering).get(&all4).copied();
            assert_eq!(found, silent, "{prefixes:?}");
        }
    }

    #[test]
    fn the_difference_and_nothing_else() {
        let prefix = |text| Prefix::new(1, net(text));
        let actual = Lists::from([
            (prefix("10.0.0.0/8"), 1),
            (prefix("10.0.0.0/16"), 1),
            (prefix("::/0"), 2),
        ]);
        let wanted =
            Lists::from([(prefix("10.0.0.0/8"), 2), (prefix("::/0"), 2), (prefix("fd00::/8"), 1)]);
        let mut changes = ListChanges::between(&actual, &wanted);
        changes.put.sort_by_key(|(prefix, _)| prefix.length);
        assert_eq!(changes.put, [(prefix("fd00::/8"), 1), (prefix("10.0.0.0/8"), 2)]);
        assert_eq!(changes.remove, [prefix("10.0.0.0/16")]);
        assert_eq!(ListChanges::between(&wanted, &wanted), ListChanges::default());
    }
}
