//! Lists of operators over those of the configuration.

use super::*;
use crate::plan::sample::{config, name};

/// Services `web` with a guard and `dns` without.
fn sample() -> Config {
    config(
        "[limits]\nguard_prefixes = 1024\n\
         [[pool]]\nname = \"p\"\nservers = [{ name = \"r1\", address = \"10.0.1.1\" }]\n\
         [[service]]\nname = \"web\"\naddress = \"10.0.0.1\"\nports = [\"tcp/80\"]\npool = \"p\"\n\
         guard = { allow = [\"203.0.113.7\"], deny = [\"203.0.113.0/24\"] }\n\
         [[service]]\nname = \"dns\"\naddress = \"10.0.0.1\"\nports = [\"udp/53\"]\npool = \"p\"\n",
    )
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn an_operator_has_the_last_word_and_can_take_it_back() {
    let (config, web) = (sample(), name("web"));
    let mut lists = GuardLists::default();
    let said = |lists: &GuardLists, prefix| lists.whole(&config)[1].1.get(&net(prefix)).copied();
    assert_eq!(
        said(&lists, "203.0.113.0/24"),
        Some((GuardAction::Deny, ListOrigin::Configuration))
    );
    lists.set(&config, Some(&web), GuardAction::Allow, &[net("203.0.113.0/24")]).unwrap();
    assert_eq!(said(&lists, "203.0.113.0/24"), Some((GuardAction::Allow, ListOrigin::Operator)));
    lists.set(&config, None, GuardAction::Deny, &[net("fd00::/8")]).unwrap();
    let every: Vec<_> = lists.whole(&config)[0].1.keys().copied().collect();
    assert_eq!(every, [net("fd00::/8")]);

    let read: GuardLists = serde_json::from_str(&serde_json::to_string(&lists).unwrap()).unwrap();
    assert_eq!(read, lists, "as it is written down");

    lists.remove(&config, Some(&web), &[net("203.0.113.0/24")]).unwrap();
    assert_eq!(
        said(&lists, "203.0.113.0/24"),
        Some((GuardAction::Deny, ListOrigin::Configuration))
    );
    assert_eq!(lists.clear(&config, Some(&web)), Ok(0));
    assert_eq!(lists.clear(&config, None), Ok(1));
    assert_eq!(lists, GuardLists::default());
}

#[test]
fn refused() {
    let (config, web) = (sample(), name("web"));
    let mut lists = GuardLists::default();
    let ten = [net("10.0.0.0/8")];
    let mut set = |service| lists.set(&config, Some(&name(service)), GuardAction::Deny, &ten);
    for (error, words) in [
        (set("mail").unwrap_err(), "no service `mail`; the services are: web, dns"),
        (set("dns").unwrap_err(), "service `dns` has no guard: add `guard = {}`"),
        (
            lists.remove(&config, Some(&web), &ten).unwrap_err(),
            "for service `web`: `lb guard list`",
        ),
        (lists.remove(&config, None, &ten).unwrap_err(), "for every service: `lb guard list`"),
        (
            lists.remove(&config, Some(&web), &[net("203.0.113.7/32")]).unwrap_err(),
            "stands in the configuration of service `web`",
        ),
        (lists.clear(&config, Some(&name("mail"))).unwrap_err(), "no service `mail`"),
    ] {
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn the_limit_counts_all_lists() {
    let config = sample();
    let mut lists = GuardLists::default();
    let many: Vec<_> = (0..1_022_u32)
        .map(|n| IpNet::from(std::net::IpAddr::from((0x0a00_0000 + n).to_be_bytes())))
        .collect();
    lists.set(&config, None, GuardAction::Deny, &many).unwrap();
    let error = lists.set(&config, None, GuardAction::Deny, &[net("::/0")]).unwrap_err();
    assert_eq!(error, GuardError::Full { wanted: 1_026, limit: 1_024 });
    assert!(error.to_string().contains("raise `guard_prefixes` under [limits]"), "{error}");
}
