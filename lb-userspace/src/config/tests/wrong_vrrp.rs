//! What can be wrong with VRRP instances.

use super::*;

const ID: &str = "virtual_router_id = 51";
const PRIORITY: &str = "priority = 100";
const INTERVAL: &str = "advert_interval = \"1s\"";
const VIPS: &str = "[\"10.9.9.40/24\", \"10.9.9.50\"]";
const ADDRESSES: &str = "vrrp[0].addresses";

/// Another instance behind the first, which begins in line 40.
const fn more(text: &'static str) -> (&'static str, &'static str) {
    ("addresses = [\"10.9.9.40/24\", \"10.9.9.50\"]\n", text)
}

#[test]
fn numbers() {
    let id = "vrrp[0].virtual_router_id";
    expect(
        Severity::Error,
        &[
            case(
                (ID, "virtual_router_id = 0"),
                (36, "0", id),
                &["VRID 0 is out of range", "1 to 255"],
            ),
            case((ID, "virtual_router_id = 256"), (36, "256", id), &["VRID 256 is out of range"]),
            case((ID, "virtual_router_id = -1"), (36, "-1", id), &["VRID -1 is out of range"]),
            case(
                (PRIORITY, "priority = 0"),
                (37, "0", "vrrp[0].priority"),
                &["priority 0 is out of range", "255 for the owner"],
            ),
            case((PRIORITY, "priority = 256"), (37, "256", "vrrp[0].priority"), &["priority 256"]),
            case(
                (PRIORITY, "version = 4"),
                (37, "4", "vrrp[0].version"),
                &["there is no VRRP version 4", "write 2 (IPv4 only) or 3"],
            ),
            case(
                (PRIORITY, "announce = { repeat = 0 }"),
                (37, "0", "vrrp[0].announce.repeat"),
                &["announce each VIP 1 to 100 times"],
            ),
        ],
    );
}

#[test]
fn times() {
    let interval = "vrrp[0].advert_interval";
    expect(
        Severity::Error,
        &[
            case(
                (INTERVAL, "advert_interval = \"15ms\""),
                (38, "\"15ms\"", interval),
                &["15ms does not fit VRRPv3", "a multiple of 10ms"],
            ),
            case(
                (INTERVAL, "version = 2\nadvert_interval = \"100ms\""),
                (39, "\"100ms\"", interval),
                &["100ms does not fit VRRPv2", "or use version 3"],
            ),
            case(
                (PRIORITY, "start_delay = \"2h\""),
                (37, "\"2h\"", "vrrp[0].start_delay"),
                &["a delay is 0s to 1h"],
            ),
            case(
                (PRIORITY, "announce = { refresh = \"50ms\" }"),
                (37, "\"50ms\"", "vrrp[0].announce.refresh"),
                &["use 100ms to 24h"],
            ),
            Case {
                edit: (PRIORITY, "preempt = false\npreempt_delay = \"5s\""),
                place: (38, "\"5s\"", "vrrp[0].preempt_delay"),
                words: &["what never happens is not delayed"],
                related: Some((37, "said here")),
            },
        ],
    );
}

#[test]
fn authentication() {
    let dropped = &["version 3 has no authentication", "RFC 9568", "`version = 2`"];
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "authentication = \"pass\""),
                (37, "\"pass\"", "vrrp[0].authentication"),
                dropped,
            ),
            case(
                (PRIORITY, "version = 3\npassword = \"s3cret\""),
                (38, "\"******\"", "vrrp[0].password"),
                dropped,
            ),
            case(
                (PRIORITY, "password_file = \"/a\""),
                (37, "\"/a\"", "vrrp[0].password_file"),
                dropped,
            ),
            case(
                (PRIORITY, "version = 2\nauthentication = \"ah\""),
                (38, "\"ah\"", "vrrp[0].authentication"),
                &["without a password", "add `password_file"],
            ),
            case(
                (PRIORITY, "version = 2\nauthentication = \"md5\"\npassword = \"x\""),
                (38, "\"md5\"", "vrrp[0].authentication"),
                &["unknown authentication `md5`", "`pass` and `ah`"],
            ),
            case(
                (PRIORITY, "version = 2\npassword = \"\""),
                (38, "\"\"", "vrrp[0].password"),
                &["the password is empty"],
            ),
            case(
                (PRIORITY, "version = 2\npassword_file = \"a\""),
                (38, "\"a\"", "vrrp[0].password_file"),
                &["`a` is not an absolute path"],
            ),
            Case {
                edit: (PRIORITY, "version = 2\npassword = \"x\"\npassword_file = \"/a\""),
                place: (39, "\"/a\"", "vrrp[0].password_file"),
                words: &["say the same", "keep `password_file`"],
                related: Some((38, "already said here")),
            },
            case(
                (PRIORITY, "version = 2\nchecksum = \"message\""),
                (38, "\"message\"", "vrrp[0].checksum"),
                &["a matter of version 3"],
            ),
        ],
    );
    expect(
        Severity::Warning,
        &[case(
            (PRIORITY, "version = 2\npassword = \"123456789\""),
            (38, "\"*********\"", "vrrp[0].password"),
            &["the password has 9 bytes", "cut off, as keepalived does it"],
        )],
    );
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

#[test]
fn keys() {
    expect(
        Severity::Error,
        &[
            case(
                (ID, ""),
                (33, "[[vrrp]]", "vrrp[0].virtual_router_id"),
                &["add `virtual_router_id = 51`"],
            ),
            case(
                (PRIORITY, "track = []"),
                (37, "track", "vrrp[0].track"),
                &["`track` is not available"],
            ),
            case(
                (PRIORITY, "notify_master = \"/a\""),
                (37, "notify_master", "vrrp[0].notify_master"),
                &["not available in this version"],
            ),
            case(
                (PRIORITY, "priorty = 100"),
                (37, "priorty", "vrrp[0].priorty"),
                &["unknown key `priorty` in [[vrrp]]", "did you mean `priority`?"],
            ),
        ],
    );
}
