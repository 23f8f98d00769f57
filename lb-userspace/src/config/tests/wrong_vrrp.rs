//! What can be wrong with one VRRP instance, but for its addresses.

use super::*;

const ID: &str = "virtual_router_id = 51";
const PRIORITY: &str = "priority = 100";
const INTERVAL: &str = "advert_interval = \"1s\"";

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
                (PRIORITY, "priorty = 100"),
                (37, "priorty", "vrrp[0].priorty"),
                &["unknown key `priorty` in [[vrrp]]", "did you mean `priority`?"],
            ),
        ],
    );
}

#[test]
fn virtual_macs() {
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "virtual_mac = \"yes\""),
                (37, "\"yes\"", "vrrp[0].virtual_mac"),
                &["expected `true` or `false`"],
            ),
            case(
                (PRIORITY, "virtual_mac_interface = \"vip\""),
                (37, "\"vip\"", "vrrp[0].virtual_mac_interface"),
                &["without `virtual_mac = true`"],
            ),
            case(
                (PRIORITY, "virtual_mac = false\nvirtual_mac_interface = \"vip\""),
                (38, "\"vip\"", "vrrp[0].virtual_mac_interface"),
                &["without `virtual_mac = true`"],
            ),
            case(
                (PRIORITY, "virtual_mac = true\nvirtual_mac_interface = \"vrrp.51.of.eth1.4\""),
                (38, "\"vrrp.51.of.eth1.4\"", "vrrp[0].virtual_mac_interface"),
                &["1 to 15 bytes, this one has 17"],
            ),
            case(
                (PRIORITY, "virtual_mac = true\nvirtual_mac_interface = \"a/b\""),
                (38, "\"a/b\"", "vrrp[0].virtual_mac_interface"),
                &["'/' is not allowed"],
            ),
            case(
                (PRIORITY, "virtual_mac = true\nvirtual_mac_interface = \"eth0\""),
                (38, "\"eth0\"", "vrrp[0].virtual_mac_interface"),
                &["`eth0` is an interface that the configuration uses"],
            ),
            case(
                (PRIORITY, "virtual_mac = true\nvirtual_mac_interface = \"eth1\""),
                (38, "\"eth1\"", "vrrp[0].virtual_mac_interface"),
                &["`eth1` is an interface that the configuration uses"],
            ),
            Case {
                edit: (PRIORITY, "virtual_mac = true\nunicast_peers = [\"10.9.9.42\"]"),
                place: (37, "true", "vrrp[0].virtual_mac"),
                words: &["networks without multicast", "leave one of them out"],
                related: Some((38, "a peer")),
            },
            // The same VRID is another virtual router there, but the name is taken.
            Case {
                edit: (
                    PRIORITY,
                    "virtual_mac = true\naddresses = [\"10.9.7.40\"]\n[[vrrp]]\nname = \"other\"\ninterface = \"eth2\"\nvirtual_mac = true\n\
                     virtual_router_id = 51\naddresses = [\"10.9.8.40\"]\n[[vrrp]]\nname = \"third\"\n\
                     interface = \"eth3\"\nvirtual_router_id = 51",
                ),
                place: (42, "true", "vrrp[1].virtual_mac"),
                words: &["`vrrp.51` is made for", "virtual_mac_interface = "],
                related: Some((37, "first here")),
            },
        ],
    );
}

#[test]
fn routes() {
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "routes = [{ via = \"10.9.9.1\" }]"),
                (37, "{ via = \"10.9.9.1\" }", "vrrp[0].routes[0].to"),
                &["`to` is missing in `routes` of an instance", "add `to = \"10.20.0.0/16\"`"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"default\" }]"),
                (37, "\"default\"", "vrrp[0].routes[0].to"),
                &["`default` is not a prefix", "write \"0.0.0.0/0\""],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.1/16\" }]"),
                (37, "\"10.20.0.1/16\"", "vrrp[0].routes[0].to"),
                &["10.20.0.0/16"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.0/16\", via = \"fe80::1\" }]"),
                (37, "\"fe80::1\"", "vrrp[0].routes[0].via"),
                &["fe80::1 is IPv6, the VIPs of the instance are IPv4"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.0/16\", table = 0 }]"),
                (37, "0", "vrrp[0].routes[0].table"),
                &["table 0 is out of range", "254: main"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.0/16\", metric = -1 }]"),
                (37, "-1", "vrrp[0].routes[0].metric"),
                &["metric -1 is out of range"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.0/16\", scope = \"lnk\" }]"),
                (37, "\"lnk\"", "vrrp[0].routes[0].scope"),
                &["unknown scope `lnk`", "did you mean `link`?"],
            ),
            case(
                (PRIORITY, "routes = [{ to = \"10.20.0.0/16\", onlink = true }]"),
                (37, "true", "vrrp[0].routes[0].onlink"),
                &["`onlink` without `via`"],
            ),
            Case {
                edit: (
                    PRIORITY,
                    "routes = [{ to = \"10.20.0.0/16\",\nblackhole = true,\nvia = \"10.9.9.1\" }]",
                ),
                place: (39, "\"10.9.9.1\"", "vrrp[0].routes[0].via"),
                words: &["`via` with `blackhole`"],
                related: Some((38, "said here")),
            },
        ],
    );
}

#[test]
fn rules() {
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "rules = [{ table = 9 }]"),
                (37, "{ table = 9 }", "vrrp[0].rules[0].priority"),
                &["add `priority = 1000`"],
            ),
            case(
                (PRIORITY, "rules = [{ priority = 9 }]"),
                (37, "{ priority = 9 }", "vrrp[0].rules[0].table"),
                &["add `table = 100`"],
            ),
            case(
                (PRIORITY, "rules = [{ priority = 32766, table = 9 }]"),
                (37, "32766", "vrrp[0].rules[0].priority"),
                &["that of a rule is 1 to 32765"],
            ),
            case(
                (PRIORITY, "rules = [{ priority = 9, table = 9, from = \"2001:db8::/32\" }]"),
                (37, "\"2001:db8::/32\"", "vrrp[0].rules[0].from"),
                &["put it into an instance of its family"],
            ),
            case(
                (PRIORITY, "rules = [{ priority = 9, table = 9, fwmark = 0 }]"),
                (37, "0", "vrrp[0].rules[0].fwmark"),
                &["mark 0 is out of range"],
            ),
            Case {
                edit: (
                    PRIORITY,
                    "rules = [{ priority = 9, table = 9 },\n{ priority = 9, table = 8 }]",
                ),
                place: (38, "9", "vrrp[0].rules[1].priority"),
                words: &["priority 9 is that of another rule"],
                related: Some((37, "first here")),
            },
        ],
    );
}
