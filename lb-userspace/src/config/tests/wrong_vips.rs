//! What can be wrong with the addresses of VRRP instances, and with several instances.

use super::*;

const PRIORITY: &str = "priority = 100";
const INTERVAL: &str = "advert_interval = \"1s\"";
const VIPS: &str = "[\"10.9.9.40/24\", \"10.9.9.50\"]";
const ADDRESSES: &str = "vrrp[0].addresses";

/// Another instance behind the first, which begins in line 40.
const fn more(text: &'static str) -> (&'static str, &'static str) {
    ("addresses = [\"10.9.9.40/24\", \"10.9.9.50\"]\n", text)
}

#[test]
fn addresses() {
    let (second, whole) = ("vrrp[0].addresses[1]", ADDRESSES);
    expect(
        Severity::Error,
        &[
            case((VIPS, "[]"), (39, "[]", whole), &["no VIP to advertise"]),
            case(
                (VIPS, "[{ address = \"10.9.9.40\", advertise = false }]"),
                (39, "[{ address = \"10.9.9.40\", advertise = false }]", whole),
                &["at least one that is not excluded"],
            ),
            case(
                (VIPS, "[\"10.9.9.40\", \"10.9.9.50/24 dev eth1\"]"),
                (39, "\"10.9.9.50/24 dev eth1\"", second),
                &["is not a VIP", "write { address = \"10.9.9.50/24\""],
            ),
            case(
                (VIPS, "[\"10.9.9.40\", \"224.0.0.18\"]"),
                (39, "\"224.0.0.18\"", second),
                &["a multicast address"],
            ),
            Case {
                edit: (VIPS, "[\"10.9.9.40\", \"fe80::40\"]"),
                place: (39, "\"fe80::40\"", second),
                words: &["VIP fe80::40 is not IPv4", "write two instances"],
                related: Some((39, "10.9.9.40 is IPv4")),
            },
            Case {
                edit: (VIPS, "[\"10.9.9.40/24\", \"10.9.9.40\"]"),
                place: (39, "\"10.9.9.40\"", second),
                words: &["VIP 10.9.9.40 is named twice"],
                related: Some((39, "first here")),
            },
            case(
                (VIPS, "[\"2001:db8::40\"]"),
                (39, "\"2001:db8::40\"", "vrrp[0].addresses[0]"),
                &["put the link-local one (fe80::/10) first", "add one of your choice"],
            ),
            case(
                (VIPS, "[\"2001:db8::40\", \"fe80::40/64\"]"),
                (39, "\"2001:db8::40\"", "vrrp[0].addresses[0]"),
                &["move it to the front"],
            ),
            case(
                (VIPS, "[\"fe80::40\", { address = \"fe80::41\", label = \"eth1:1\" }]"),
                (39, "\"eth1:1\"", "vrrp[0].addresses[1].label"),
                &["an IPv6 address has no label"],
            ),
        ],
    );
    let many: Vec<_> = (0..256).map(|n| format!("\"10.9.{}.{}\"", n / 200, n % 200 + 1)).collect();
    let report = refused(&VALID.replace(VIPS, &format!("[{}]", many.join(", "))));
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!((error.key.as_str(), report.position(&error.span).line), (whole, 39));
    assert!(report.to_string().contains("256 VIPs do not fit"), "{report}");
}

#[test]
fn version_2_is_for_ipv4() {
    let text = VALID.replace(INTERVAL, "version = 2").replace(VIPS, "[\"fe80::40/64\"]");
    let report = refused(&text);
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!((error.key.as_str(), report.position(&error.span).line), ("vrrp[0].version", 38));
    assert!(report.to_string().contains("version 2 knows IPv4 alone"), "{report}");
}

#[test]
fn senders_and_receivers() {
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "source = \"fe80::1\""),
                (37, "\"fe80::1\"", "vrrp[0].source"),
                &["fe80::1 is IPv6, the VIPs of instance `shared` are IPv4"],
            ),
            case(
                (PRIORITY, "unicast_peers = [\"10.9.9.42\", \"fe80::2\"]"),
                (37, "\"fe80::2\"", "vrrp[0].unicast_peers[1]"),
                &["write the director's own IPv4 address"],
            ),
            case(
                (PRIORITY, "unicast_peers = [\"224.0.0.18\"]"),
                (37, "\"224.0.0.18\"", "vrrp[0].unicast_peers[0]"),
                &["no address of a director"],
            ),
            Case {
                edit: (PRIORITY, "source = \"10.9.9.41\"\nunicast_peers = [\"10.9.9.41\"]"),
                place: (38, "\"10.9.9.41\"", "vrrp[0].unicast_peers[0]"),
                words: &["peer 10.9.9.41 is this director"],
                related: Some((37, "it sends from here")),
            },
            Case {
                edit: (PRIORITY, "unicast_peers = [\"10.9.9.42\", \"10.9.9.42\"]"),
                place: (37, "\"10.9.9.42\"", "vrrp[0].unicast_peers[1]"),
                words: &["peer 10.9.9.42 is named twice"],
                related: Some((37, "first here")),
            },
        ],
    );
}

#[test]
fn two_instances() {
    let same_number = "addresses = [\"10.9.9.40/24\"]\n[[vrrp]]\nname = \"b\"\ninterface = \"eth1\"
virtual_router_id = 51\naddresses = [\"10.9.9.50\"]\n";
    let same_vip = "addresses = [\"10.9.9.40/24\"]\n[[vrrp]]\nname = \"b\"\ninterface = \"eth2\"
virtual_router_id = 51\naddresses = [\"10.9.9.40\"]\n";
    let same_name =
        "addresses = [\"10.9.9.40/24\"]\n[[vrrp]]\nname = \"shared\"\ninterface = \"eth2\"
virtual_router_id = 51\naddresses = [\"10.9.9.50\"]\n";
    expect(
        Severity::Error,
        &[
            Case {
                edit: more(same_number),
                place: (43, "51", "vrrp[1].virtual_router_id"),
                words: &["VRID 51 on eth1 (IPv4) belongs to instance `shared` already"],
                related: Some((36, "instance `shared` has it here")),
            },
            Case {
                edit: more(same_vip),
                place: (44, "\"10.9.9.40\"", "vrrp[1].addresses[0]"),
                words: &["VIP 10.9.9.40 belongs to instance `shared` already"],
                related: Some((39, "first here")),
            },
            Case {
                edit: more(same_name),
                place: (41, "\"shared\"", "vrrp[1].name"),
                words: &["two instances have the name `shared`"],
                related: Some((34, "first here")),
            },
        ],
    );
    expect(
        Severity::Warning,
        &[case(
            (PRIORITY, "group = \"both\""),
            (37, "\"both\"", "vrrp[0].group"),
            &["instance `shared` is alone in group `both`"],
        )],
    );
}
