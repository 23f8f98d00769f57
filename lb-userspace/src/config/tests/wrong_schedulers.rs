//! What can be wrong with schedulers, slow starts and sorry servers.

use super::*;

#[test]
fn what_cannot_be_counted() {
    expect(
        Severity::Error,
        &[
            Case {
                edit: ("name = \"dns\"", "name = \"dns\"\nscheduler = \"rr\""),
                place: (30, "\"udp/53\"", "service[1].ports[0]"),
                words: &[
                    "scheduler `rr` counts connections: a stateless datagram of service `names` is none",
                    "add `udp_idle = \"30s\"`",
                ],
                related: Some((15, "the scheduler of pool `dns`")),
            },
            Case {
                edit: ("name = \"dns\"", "name = \"dns\"\nscheduler = \"nq\""),
                place: (30, "\"udp/53\"", "service[1].ports[0]"),
                words: &["scheduler `nq` counts connections", "or `quic = true`"],
                related: Some((15, "the scheduler of pool `dns`")),
            },
        ],
    );
    for kept in ["udp_idle = \"30s\"", "quic = true"] {
        let text = edited(("name = \"dns\"", "name = \"dns\"\nscheduler = \"wlc\""))
            .replace("mark = 53", kept);
        parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    }
    // Said once: what was refused might have been right.
    let text = edited(("name = \"dns\"", "name = \"dns\"\nscheduler = \"wlc\""))
        .replace("mark = 53", "udp_idle = 30");
    assert_eq!(refused(&text).tally(), "1 error");
}

#[test]
fn more_servers_than_can_be_counted() {
    let with = |count: usize| {
        let servers: String = (1..=count)
            .map(|n| {
                format!("{{ name = \"s{n}\", address = \"10.9.{}.{}\" }},\n", n / 256, n % 256)
            })
            .collect();
        edited(("\"maglev\"", "\"lc\""))
            .replace("servers = [\n", &format!("servers = [\n{servers}"))
    };
    assert!(parse("lb.toml", &with(254)).is_ok(), "two are there");
    let report = refused(&with(255));
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!((report.position(&error.span).line, error.key.as_str()), (7, "pool[0].scheduler"));
    assert_eq!(
        error.message,
        "scheduler `lc` counts the connections of at most 256 servers, pool `web` has 257"
    );
}

#[test]
fn a_ring_that_nobody_looks_at() {
    expect_one(
        &case(
            ("\"maglev\"", "\"wrr\"\nring_size = 1021"),
            (8, "1021", "pool[0].ring_size"),
            &["scheduler `wrr` has no ring of its own", "leave `ring_size` out"],
        ),
        Severity::Warning,
    );
}

#[test]
fn life_of_a_server() {
    expect(
        Severity::Error,
        &[
            case(
                ("name = \"dns\"", "name = \"dns\"\nslow_start = \"500ms\""),
                (15, "\"500ms\"", "pool[1].slow_start"),
                &["a slow start takes 1s to 1h"],
            ),
            case(
                ("name = \"dns\"", "name = \"dns\"\nwindow = \"drained\""),
                (15, "\"drained\"", "pool[1].window"),
                &["`drained` is not a duration", "or write `until-drained`"],
            ),
            case(
                ("name = \"dns\"", "name = \"dns\"\nwindow = 900"),
                (15, "900", "pool[1].window"),
                &["900 has no unit", "write \"900s\""],
            ),
            case(
                ("name = \"dns\"", "name = \"dns\"\non_empty = \"icmp\""),
                (15, "\"icmp\"", "pool[1].on_empty"),
                &["unknown answer `icmp`", "`drop` and `reject`"],
            ),
        ],
    );
}

#[test]
fn sorry_servers() {
    let dns = "name = \"dns\"";
    expect(
        Severity::Error,
        &[
            Case {
                edit: (dns, "name = \"dns\"\nsorry_server = { address = \"2001:db8::53\" }"),
                place: (15, "\"2001:db8::53\"", "pool[1].sorry_server.address"),
                words: &["the sorry server of pool `dns` has the address of server `dns1`"],
                related: Some((16, "the server's address")),
            },
            Case {
                edit: (
                    dns,
                    "name = \"dns\"\nsorry_server = { name = \"dns1\", address = \"2001:db8::9\" }",
                ),
                place: (15, "\"dns1\"", "pool[1].sorry_server.name"),
                words: &["two servers of pool `dns` have the name `dns1`"],
                related: Some((16, "first here")),
            },
            Case {
                edit: (dns, "name = \"dns\"\nsorry_server = { address = \"10.8.8.99\" }"),
                place: (15, "\"10.8.8.99\"", "pool[1].sorry_server.address"),
                words: &["server `sorry` has an IPv4 address, service `names` an IPv6 address"],
                related: Some((29, "an IPv6 service")),
            },
            Case {
                edit: (dns, "name = \"dns\"\nsorry_server = { address = \"2001:db8::40\" }"),
                place: (15, "\"2001:db8::40\"", "pool[1].sorry_server.address"),
                words: &["server `sorry` has the address of service `names`"],
                related: Some((29, "the service's address")),
            },
            case(
                (dns, "name = \"dns\"\nsorry_server = { name = \"s\" }"),
                (15, "{ name = \"s\" }", "pool[1].sorry_server.address"),
                &["`address` is missing in `sorry_server` of a pool"],
            ),
            case(
                (dns, "name = \"dns\"\nsorry_server = { address = \"2001:db8::9\", weight = 2 }"),
                (15, "weight", "pool[1].sorry_server.weight"),
                &["unknown key `weight` in `sorry_server` of a pool"],
            ),
        ],
    );
}

#[test]
fn a_sorry_server_takes_a_place() {
    let text =
        edited(("name = \"dns\"", "name = \"dns\"\nsorry_server = { address = \"2001:db8::9\" }"));
    let limited =
        |limit: &str| refused(&text.replace("[node]", &format!("[limits]\n{limit}\n[node]")));
    assert!(limited("reals = 3").to_string().contains("4 real servers are needed"));
    assert!(limited("counters = 3").to_string().contains("4 counters"));
}
