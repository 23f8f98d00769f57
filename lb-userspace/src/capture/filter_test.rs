//! Tests of [`super`]: prefixes as XDP compares them, and names that are not there.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::config;

const FILE: &str = r#"
[node]
name = "director"
interface = "eth0"
[[pool]]
name = "web"
servers = [
  { name = "r1", address = "10.0.1.1" },
  { name = "r2", address = "10.0.1.2" },
]
[[pool]]
name = "mail"
servers = [{ name = "m1", address = "10.0.1.9" }]
[[service]]
name = "www"
address = "10.0.0.1"
ports = ["tcp/80"]
pool = "web"
[[service]]
name = "smtp"
address = "10.0.0.2"
ports = ["tcp/25"]
pool = "mail"
"#;

fn asked() -> NewCapture {
    serde_json::from_str("{}").unwrap()
}

fn name(text: &str) -> Option<Name> {
    Some(text.parse().unwrap())
}

fn filtered(asked: &NewCapture) -> Result<Filter, FilterError> {
    let config = config::parse("lb.toml", FILE).unwrap().config;
    let numbering = Numbering::default().assign(&config, 64).unwrap();
    filter(asked, &config, &numbering)
}

/// What XDP does with a client's address.
fn lets_in(filter: &Filter, client: IpAddr) -> bool {
    let [high, low] = Address::from(client).halves().lanes();
    let [mask_high, mask_low] = filter.client_mask;
    high & mask_high == filter.client[0] && low & mask_low == filter.client[1]
}

#[test]
fn nothing_asked_is_everything() {
    let filter = filtered(&asked()).unwrap();
    assert_eq!(filter, Filter { snap: 2_048, ..Filter::default() });
    assert!(lets_in(&filter, "10.0.0.1".parse().unwrap()));
}

#[test]
fn prefixes() {
    for (network, inside, outside) in [
        ("10.100.0.0/16", &["10.100.0.0", "10.100.255.255"][..], &["10.101.0.0", "::1"][..]),
        ("10.100.0.5/32", &["10.100.0.5"], &["10.100.0.4", "10.100.1.5"]),
        ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "2001:db8::1"]),
        ("2001:db8::/33", &["2001:db8::", "2001:db8:7fff::1"], &["2001:db8:8000::", "10.0.0.1"]),
        ("2001:db8::/64", &["2001:db8::1:2:3:4"], &["2001:db8:0:1::"]),
        ("2001:db8::5/128", &["2001:db8::5"], &["2001:db8::4", "2001:db9::5"]),
        ("::/0", &["::", "2001:db8::1", "10.0.0.1"], &[]),
    ] {
        let client = Some(network.parse().unwrap());
        let filter = filtered(&NewCapture { client, ..asked() }).unwrap();
        for client in inside {
            assert!(lets_in(&filter, client.parse().unwrap()), "{client} in {network}");
        }
        for client in outside {
            assert!(!lets_in(&filter, client.parse().unwrap()), "{client} not in {network}");
        }
    }
}

proptest! {
    #[test]
    fn a_network_lets_in_what_it_contains(v6: bool, bits: u128, length in 0_u8..=128, other: u128) {
        let address = |bits: u128| -> IpAddr {
            if v6 { IpAddr::V6(bits.into()) } else { IpAddr::V4(((bits >> 96) as u32).into()) }
        };
        let length = if v6 { length } else { length % 33 };
        let network = IpNet::new(address(bits), length).unwrap();
        let filter = filtered(&NewCapture { client: Some(network), ..asked() }).unwrap();
        // Half of the others share the first bits.
        for other in [other, (bits & !(u128::MAX >> 40)) | (other >> 40)] {
            prop_assert_eq!(lets_in(&filter, address(other)), network.contains(&address(other)));
        }
    }
}

#[test]
fn services_and_real_servers_by_number() {
    let www = filtered(&NewCapture { service: name("www"), ..asked() }).unwrap();
    let smtp = filtered(&NewCapture { service: name("smtp"), ..asked() }).unwrap();
    assert!(www.counters > 0 && smtp.counters > 0 && www.counters != smtp.counters);
    let r2 = NewCapture { service: name("www"), real: name("r2"), ..asked() };
    assert_eq!(filtered(&r2).unwrap(), Filter { real: 2, ..www });
    let drops = NewCapture { drops: true, ..asked() };
    assert_eq!(filtered(&drops).unwrap().drops, 1);
}

#[test]
fn what_is_not_there() {
    for (asked, words) in [
        (NewCapture { service: name("web"), ..asked() }, "no service `web`; there are: www, smtp"),
        (NewCapture { real: name("r1"), ..asked() }, "--service NAME"),
        (
            NewCapture { service: name("www"), real: name("m1"), ..asked() },
            "`www` has no real server `m1`; there are: r1, r2",
        ),
        (
            NewCapture { service: name("www"), real: name("r1"), drops: true, ..asked() },
            "leave out --real or --drops",
        ),
    ] {
        let error = filtered(&asked).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    for snap in [0, 13, 2_049, u32::MAX] {
        assert!(serde_json::from_str::<NewCapture>(&format!("{{\"snap\":{snap}}}")).is_err());
    }
}
