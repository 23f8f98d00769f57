//! What is accepted of VRRP, and that no password is ever shown.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{Announce, Password, VrrpAuthentication, VrrpInstance, VrrpProtocol},
    vrrp::{
        machine::Preempt,
        types::{AdvertInterval, ChecksumKind, Priority, Secret, Version},
    },
};

const PRIORITY: &str = "priority = 100";

fn instance(text: &str) -> VrrpInstance {
    let parsed = parse("lb.toml", text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    parsed.config.vrrp.into_iter().next().unwrap()
}

#[test]
fn what_is_left_out_is_as_by_default() {
    let instance = instance(&edited(("priority = 100\nadvert_interval = \"1s\"\n", "")));
    assert_eq!(instance.id.to_string(), "VRID 51 on eth1 (IPv4)");
    assert_eq!(instance.priority, Priority::DEFAULT);
    assert_eq!(
        instance.protocol,
        VrrpProtocol::V3 {
            interval: Duration::from_secs(1).try_into().unwrap(),
            checksum: ChecksumKind::PseudoHeader
        }
    );
    assert_eq!(
        instance.addresses.iter().map(|vip| vip.network.to_string()).collect::<Vec<_>>(),
        ["10.9.9.40/24", "10.9.9.50/32"]
    );
    assert_eq!(
        (instance.preempt, instance.start_delay),
        (Preempt::After(Duration::ZERO), Duration::ZERO)
    );
    assert_eq!((instance.source, instance.unicast_peers), (None, vec![]));
    assert_eq!(instance.virtual_mac, None);
    let Announce { repeat, again_after, refresh } = instance.announce;
    assert_eq!((repeat, again_after, refresh), (5, Duration::from_secs(5), None));
    assert_eq!(instance.group, None);
}

/// Named after the virtual router, as keepalived does it, or as one likes.
#[test]
fn the_interface_of_a_virtual_mac() {
    let of = |more: &str, vips: &str| {
        let text = edited((PRIORITY, more)).replace("[\"10.9.9.40/24\", \"10.9.9.50\"]", vips);
        instance(&text).virtual_mac.map(|name| name.to_string())
    };
    let v4 = "[\"10.9.9.40\"]";
    assert_eq!(of("virtual_mac = false", v4), None);
    assert_eq!(of("virtual_mac = true", v4).as_deref(), Some("vrrp.51"));
    assert_eq!(of("virtual_mac = true", "[\"fe80::40/64\"]").as_deref(), Some("vrrp6.51"));
    let named = "virtual_mac = true\nvirtual_mac_interface = \"vip-of-customer\"";
    assert_eq!(of(named, v4).as_deref(), Some("vip-of-customer"));
}

#[test]
fn everything_can_be_said() {
    let more = "priority = 255\nversion = 3\nchecksum = \"message\"\npreempt_delay = \"3m\"\nstart_delay = \"5s\"
source = \"10.9.9.41\"\nunicast_peers = [\"10.9.9.42\", \"10.9.9.43\"]
announce = { repeat = 3, again_after = \"2s\", refresh = \"1m\" }";
    let text = edited((PRIORITY, more)).replace(
        "\"10.9.9.50\"",
        "{ address = \"10.9.9.50/25\", advertise = false, label = \"eth1:1\" }",
    );
    let instance = instance(&text);
    assert_eq!(instance.priority, Priority::OWNER);
    let VrrpProtocol::V3 { checksum, .. } = instance.protocol else { panic!("{instance:?}") };
    assert_eq!(checksum, ChecksumKind::MessageOnly);
    assert_eq!(instance.preempt, Preempt::After(Duration::from_mins(3)));
    assert_eq!(instance.start_delay, Duration::from_secs(5));
    assert_eq!(instance.source, Some("10.9.9.41".parse().unwrap()));
    assert_eq!(instance.unicast_peers.len(), 2);
    let Announce { repeat, again_after, refresh } = instance.announce;
    let seconds = Duration::from_secs;
    assert_eq!((repeat, again_after, refresh), (3, seconds(2), Some(seconds(60))));
    let vip = &instance.addresses[1];
    assert_eq!((vip.network.to_string().as_str(), vip.advertised), ("10.9.9.50/25", false));
    assert_eq!(vip.label.as_ref().unwrap().as_str(), "eth1:1");
    let advertised: Vec<IpAddr> = instance.advertised().collect();
    assert_eq!(advertised, ["10.9.9.40".parse::<IpAddr>().unwrap()]);
}

#[test]
fn the_same_number_for_the_other_family_and_on_the_other_interface() {
    let other = |name: &str, interface: &str, vips: &str| {
        format!(
            "[[vrrp]]\nname = \"{name}\"\ninterface = \"{interface}\"\nvirtual_router_id = 51\ngroup = \"g\"\naddresses = [{vips}]\n"
        )
    };
    let six = other("six", "eth1", "\"fe80::40/64\", \"2001:db8::40\"");
    let far = other("far", "eth2", "\"fe80::40/64\"");
    let config = parse("lb.toml", &format!("{VALID}{six}{far}")).unwrap_or_else(|r| panic!("{r}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let config = config.config;
    assert_eq!(config.vrrp[2].id.to_string(), "VRID 51 on eth2 (IPv6)");
    assert_eq!(config.vrrp[1].group, config.vrrp[2].group);
    let all = ["10.9.9.40", "10.9.9.50", "fe80::40", "2001:db8::40"];
    assert_eq!(config.vrrp_addresses(), BTreeSet::from(all.map(|ip| ip.parse().unwrap())));
}

#[test]
fn passwords_and_where_they_are() {
    for (lines, expected) in [
        ("", VrrpAuthentication::None),
        ("password = \"s3cret\"", VrrpAuthentication::Pass(Password::Here(Secret::cut("s3cret")))),
        (
            "authentication = \"pass\"\npassword_file = \"/etc/lb/pass\"",
            VrrpAuthentication::Pass(Password::File("/etc/lb/pass".into())),
        ),
        (
            "authentication = \"ah\"\npassword = \"s3cret\"",
            VrrpAuthentication::Ah(Password::Here(Secret::cut("s3cret"))),
        ),
    ] {
        let instance = instance(&edited((PRIORITY, &format!("version = 2\n{lines}"))));
        let VrrpProtocol::V2 { authentication, .. } = instance.protocol else { panic!("{lines}") };
        assert_eq!(authentication, expected, "{lines}");
    }
}

#[test]
fn a_password_is_in_no_message_and_no_json() {
    let password = "hunter2-and-more";
    let given = |before: &str, after: &str| {
        edited((PRIORITY, &format!("version = 2\n{before}password = \"{password}\"{after}")))
    };
    let broken = VALID.replace("name = \"shared\"", &format!("x = {{ password = \"{password}\""));
    for text in [
        given("", ""),
        given("", "\nversion = 2"),
        given("password_file = \"/a\"\n", ""),
        given("authentication = \"none\"\n", ""),
        given("version = 3\n", "").replacen("version = 2\n", "", 1),
        broken,
        VALID.replace("[node]", &format!("[node]\npassword = \"{password}\"")),
    ] {
        let (report, config) = match parse("lb.toml", &text) {
            Ok(parsed) => (parsed.warnings, Some(parsed.config)),
            Err(report) => (report, None),
        };
        assert!(!report.is_empty(), "nothing was said about {text}");
        let json = serde_json::to_string(&(&report, &config)).unwrap();
        let shown = format!("{}{report:?}{config:?}{json}", report.render(false));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

proptest! {
    #[test]
    fn there_and_back(
        id in 1_u8..,
        priority in 1_u8..,
        centiseconds in 1_u64..=4_095,
        delay in prop::option::of(0_u64..=3_600_000),
        hosts in prop::collection::btree_set(1_u8..=254, 1..30),
        length in 8_u8..=24,
    ) {
        let milliseconds = centiseconds * 10;
        let preempt = delay.map_or("preempt = false".to_owned(), |ms| format!("preempt_delay = \"{ms}ms\""));
        let vips: Vec<_> = hosts.iter().map(|host| format!("10.9.9.{host}/{length}")).collect();
        let text = edited(("virtual_router_id = 51", &format!("virtual_router_id = {id}\n{preempt}")))
            .replace(PRIORITY, &format!("priority = {priority}"))
            .replace("advert_interval = \"1s\"", &format!("advert_interval = \"{milliseconds}ms\""))
            .replace("[\"10.9.9.40/24\", \"10.9.9.50\"]", &format!("{vips:?}"));
        let instance = instance(&text);
        prop_assert_eq!(instance.id.virtual_router.get(), id);
        prop_assert_eq!(instance.priority.get(), priority);
        let interval = AdvertInterval::new(Version::V3, Duration::from_millis(milliseconds)).unwrap();
        prop_assert_eq!(instance.protocol.interval(), interval);
        let expected = delay.map_or(Preempt::Never, |ms| Preempt::After(Duration::from_millis(ms)));
        prop_assert_eq!(instance.preempt, expected);
        let read: Vec<_> = instance.addresses.iter().map(|vip| vip.network.to_string()).collect();
        prop_assert_eq!(read, vips);
    }
}
