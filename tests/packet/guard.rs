//! Guards: who may come in, and how often, in both families.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use lb_common::abi::{Features, GuardList, Reason};
use lb_userspace::{
    model::{GuardAction, Name},
    plan::{Prefix, SILENCE},
};

use crate::{
    director::{Director, Outcome},
    family::{FAMILIES, Family, SINGLE, web},
    frames::{ACK, L4, SYN, frame},
};

/// What becomes of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    In,
    Out(Reason),
}

const DENIED: Fate = Fate::Out(Reason::Denied);
const SERVICE_RATE: Fate = Fate::Out(Reason::ServiceRate);
const SOURCE_RATE: Fate = Fate::Out(Reason::SourceRate);

/// The service `web` of each family with a guard of its own, on a clock that stands still.
fn guarded(guard: impl Fn(Family) -> String) -> Director {
    let mut text = web(&[(1, 1), (2, 1)], "");
    for family in FAMILIES {
        let vip = format!("address = \"{}\"\n", family.vip(SINGLE));
        assert_eq!(text.matches(&vip).count(), 1);
        text = text.replace(&vip, &format!("{vip}guard = {}\n", guard(family)));
    }
    let mut director = Director::equipped(&text, Features::CLOCK);
    director.plane.data.set_clock(Duration::from_secs(1_000)).expect("the clock");
    director
}

fn send(director: &mut Director, family: Family, client: IpAddr, l4: L4) -> Fate {
    match director.send(&frame((client, 4_711), (family.vip(SINGLE), 80), l4)) {
        Outcome::To(..) => Fate::In,
        Outcome::Dropped(reason) => Fate::Out(reason),
        other => panic!("{client}: {other:?}"),
    }
}

fn open(director: &mut Director, family: Family, client: IpAddr) -> Fate {
    send(director, family, client, SYN)
}

/// The network of the clients, one inside it, and one client inside that: `number` of 0 to 255.
fn wide(family: Family) -> &'static str {
    match family {
        Family::V4 => "198.18.0.0/15",
        Family::V6 => "2001:db8::/32",
    }
}

fn narrow(family: Family) -> &'static str {
    match family {
        Family::V4 => "198.18.7.0/24",
        Family::V6 => "2001:db8:7::/48",
    }
}

fn inside(family: Family, number: u8) -> IpAddr {
    match family {
        Family::V4 => [198, 18, 7, number].into(),
        Family::V6 => [0x2001, 0xdb8, 7, 0, 0, 0, 0, u16::from(number)].into(),
    }
}

fn outside(family: Family) -> IpAddr {
    family.client(1).0
}

fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

/// Says something at run time: of one service, or of every one.
fn say(director: &mut Director, service: Option<&Name>, action: GuardAction, prefix: &str) {
    director.change(|plane| {
        plane.guards.set(&plane.config, service, action, &[net(prefix)]).expect("there is room");
    });
}

#[test]
fn a_denied_prefix_stays_out() {
    let mut director = guarded(|family| format!("{{ deny = [\"{}\"] }}", narrow(family)));
    for family in FAMILIES {
        for l4 in [SYN, ACK] {
            assert_eq!(send(&mut director, family, inside(family, 1), l4), DENIED, "IPv{family}");
            assert_eq!(send(&mut director, family, outside(family), l4), Fate::In, "IPv{family}");
        }
    }
}

#[test]
fn with_default_deny_only_who_is_allowed_comes_in() {
    let mut director =
        guarded(|family| format!("{{ default = \"deny\", allow = [\"{}\"] }}", narrow(family)));
    for family in FAMILIES {
        assert_eq!(open(&mut director, family, inside(family, 1)), Fate::In, "IPv{family}");
        assert_eq!(open(&mut director, family, outside(family)), DENIED, "IPv{family}");
    }
}

#[test]
fn the_longest_prefix_decides() {
    let mut director = guarded(|family| {
        let (wide, narrow, host) = (wide(family), narrow(family), inside(family, 9));
        format!("{{ deny = [\"{wide}\", \"{host}\"], allow = [\"{narrow}\"] }}")
    });
    for family in FAMILIES {
        assert_eq!(open(&mut director, family, outside(family)), DENIED, "IPv{family}, wide");
        assert_eq!(open(&mut director, family, inside(family, 1)), Fate::In, "IPv{family}, narrow");
        assert_eq!(open(&mut director, family, inside(family, 9)), DENIED, "IPv{family}, a host");
    }
}

#[test]
fn a_service_s_own_list_comes_before_that_of_every_service() {
    let mut director = guarded(|_| "{}".to_owned());
    for family in FAMILIES {
        let client = inside(family, 1);
        assert_eq!(open(&mut director, family, client), Fate::In, "IPv{family}");
        say(&mut director, None, GuardAction::Deny, narrow(family));
        assert_eq!(open(&mut director, family, client), DENIED, "IPv{family}, every service");
        assert_eq!(open(&mut director, family, outside(family)), Fate::In, "IPv{family}");
        // Shorter, but the service's own.
        let service: Name = family.name("web").parse().expect("a name");
        say(&mut director, Some(&service), GuardAction::Allow, wide(family));
        assert_eq!(open(&mut director, family, client), Fate::In, "IPv{family}, its own");
        director.change(|plane| {
            plane.guards.clear(&plane.config, None).expect("lists");
        });
        assert!(director.plane.data.lists().unwrap().is_empty(), "nothing is left");
    }
}

#[test]
fn every_ipv6_client_is_no_ipv4_client() {
    let mut director = guarded(|_| "{}".to_owned());
    say(&mut director, None, GuardAction::Deny, "::/0");
    assert_eq!(open(&mut director, Family::V6, outside(Family::V6)), DENIED);
    assert_eq!(open(&mut director, Family::V4, outside(Family::V4)), Fate::In);
    let all4 = Prefix::new(GuardList::EVERY, net("0.0.0.0/0"));
    assert_eq!(director.plane.data.lists().unwrap().get(&all4), Some(&SILENCE));
    say(&mut director, None, GuardAction::Deny, "0.0.0.0/0");
    assert_eq!(open(&mut director, Family::V4, outside(Family::V4)), DENIED);
}

#[test]
fn long_lists_are_read_to_their_end() {
    let mut director = guarded(|_| "{}".to_owned());
    // The agent reads 4,096 prefixes at a time.
    for count in [4_095_u32, 4_096, 4_097, 10_000] {
        let prefixes = (0..count).map(|number| IpNet::from(IpAddr::from(number.to_be_bytes())));
        let prefixes: Vec<_> = prefixes.collect();
        director.change(|plane| {
            let said = plane.guards.set(&plane.config, None, GuardAction::Deny, &prefixes);
            said.expect("they are fewer than the limit");
        });
        let found = director.plane.data.lists().unwrap();
        assert_eq!(found.len(), prefixes.len());
        let listed = |prefix: &IpNet| found.contains_key(&Prefix::new(GuardList::EVERY, *prefix));
        assert!(prefixes.iter().all(listed));
    }
}

#[test]
fn a_service_takes_its_burst_and_then_its_rate() {
    let mut director = guarded(|_| "{ rate = \"10/s\", burst = 3 }".to_owned());
    for family in FAMILIES {
        let mut open = |client| open(&mut director, family, inside(family, client));
        assert_eq!([1, 2, 3, 4].map(&mut open), [Fate::In, Fate::In, Fate::In, SERVICE_RATE]);
        // What is there already is not asked.
        assert_eq!(send(&mut director, family, inside(family, 1), ACK), Fate::In, "IPv{family}");
    }
    let later = |director: &mut Director, ms| {
        let now = Duration::from_secs(1_000) + Duration::from_millis(ms);
        director.plane.data.set_clock(now).expect("the clock");
    };
    for (ms, expected) in [(99, [SERVICE_RATE; 2]), (100, [Fate::In, SERVICE_RATE])] {
        later(&mut director, ms);
        for family in FAMILIES {
            let found = [5, 6].map(|client| open(&mut director, family, inside(family, client)));
            assert_eq!(found, expected, "IPv{family}, after {ms} ms");
        }
    }
}

#[test]
fn each_source_has_its_own_rate() {
    let mut director = guarded(|family| {
        let prefixes = "source = \"/24\", source6 = \"/48\"";
        let host = inside(family, 9);
        format!("{{ source_rate = \"1/s\", source_burst = 2, {prefixes}, allow = [\"{host}\"] }}")
    });
    for family in FAMILIES {
        let mut open = |client| open(&mut director, family, client);
        let inside = |number| inside(family, number);
        // One network, whoever in it asks.
        assert_eq!([1, 2, 3].map(|n| open(inside(n))), [Fate::In, Fate::In, SOURCE_RATE]);
        assert_eq!([9, 9, 9].map(|n| open(inside(n))), [Fate::In; 3], "IPv{family}: it is allowed");
        assert_eq!(open(outside(family)), Fate::In, "IPv{family}: another network");
        assert_eq!(send(&mut director, family, inside(3), ACK), Fate::In, "IPv{family}");
    }
}
