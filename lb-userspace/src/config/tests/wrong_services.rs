//! Each way in which services, pools and servers may not fit together.

use super::*;

#[test]
fn one_of_a_kind() {
    expect(
        Severity::Error,
        &[
            Case {
                edit: ("name = \"web2\"", "name = \"web1\""),
                place: (11, "\"web1\"", "pool[0].servers[1].name"),
                words: &["two servers of pool `web` have the name `web1`"],
                related: Some((10, "first here")),
            },
            Case {
                edit: ("10.8.8.44", "10.8.8.43"),
                place: (11, "\"10.8.8.43\"", "pool[0].servers[1].address"),
                words: &["address 10.8.8.43 is twice in pool `web`", "`weight`"],
                related: Some((10, "first here")),
            },
            Case {
                edit: ("name = \"names\"", "name = \"site\""),
                place: (27, "\"site\"", "service[1].name"),
                words: &["two services have the name `site`"],
                related: Some((18, "first here")),
            },
            Case {
                edit: ("mark = 53", "mark = 80"),
                place: (30, "80", "service[1].mark"),
                words: &["mark 80 belongs to service `site` already"],
                related: Some((21, "service `site` has it here")),
            },
        ],
    );
}

#[test]
fn two_pools_of_one_name() {
    let pool = "[[pool]]\nname = \"dns\"\nservers = []\n\n[[service]]\nname = \"site\"";
    let report = refused(&edited(("[[service]]\nname = \"site\"", pool)));
    let found = &report.diagnostics.iter().find(|d| d.severity == Severity::Error).unwrap();
    assert_eq!(found.message, "two pools have the name `dns`");
    assert_eq!((report.position(&found.span).line, found.key.as_str()), (18, "pool[2].name"));
    assert_eq!(report.position(&found.related[0].span).line, 14);
}

#[test]
fn one_port_of_two_services() {
    let second = "pool = \"web\"\n\n[[service]]\nname = \"other\"\naddress = \"10.8.8.40\"\nports = [\"tcp/443\"]\npool = \"web\"";
    expect_one(
        &Case {
            edit: ("pool = \"web\"", second),
            place: (29, "\"tcp/443\"", "service[1].ports[0]"),
            words: &["10.8.8.40 tcp/443 belongs to service `site` already"],
            related: Some((20, "service `site` has it here")),
        },
        Severity::Error,
    );
}

#[test]
fn a_pool_that_does_not_exist() {
    let missing = |wanted: &'static str, words: &[&str]| {
        let report = refused(&edited(("pool = \"web\"", wanted)));
        let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!(
            (report.position(&error.span).line, error.key.as_str()),
            (24, "service[0].pool")
        );
        for words in words {
            assert!(report.to_string().contains(words), "{report}");
        }
    };
    missing("pool = \"wbe\"", &["there is no pool `wbe`", "did you mean `web`?"]);
    missing("pool = \"mailers\"", &["there is no pool `mailers`", "the pools are `web` and `dns`"]);
}

#[test]
fn addresses() {
    let vip = |edit, text, words| Case {
        edit,
        place: (19, text, "service[0].address"),
        words,
        related: None,
    };
    expect(
        Severity::Error,
        &[
            vip(
                ("10.8.8.40", "224.0.0.18"),
                "\"224.0.0.18\"",
                &["a multicast address", "a service needs"],
            ),
            vip(("10.8.8.40", "0.0.0.0"), "\"0.0.0.0\"", &["the unspecified address"]),
            vip(("10.8.8.40", "127.0.0.1"), "\"127.0.0.1\"", &["a loopback address"]),
            vip(
                ("10.8.8.40", "255.255.255.255"),
                "\"255.255.255.255\"",
                &["the broadcast address"],
            ),
            Case {
                edit: ("2001:db8::53", "fe80::53"),
                place: (15, "\"fe80::53\"", "pool[1].servers[0].address"),
                words: &["a link-local address", "a real server needs"],
                related: None,
            },
            Case {
                edit: ("10.8.8.44", "10.8.8.40:443"),
                place: (11, "\"10.8.8.40:443\"", "pool[0].servers[1].address"),
                words: &["server `web2` has the address of service `site`", "own address"],
                related: Some((19, "the service's address")),
            },
            Case {
                edit: ("10.8.8.44", "2001:db8::44"),
                place: (11, "\"2001:db8::44\"", "pool[0].servers[1].address"),
                words: &[
                    "server `web2` has an IPv6 address, service `site` an IPv4 address",
                    "direct routing needs the same family",
                    "one pool for IPv4 and one for IPv6",
                ],
                related: Some((19, "an IPv4 service")),
            },
            Case {
                edit: ("2001:db8::40", "10.8.8.41"),
                place: (15, "\"2001:db8::53\"", "pool[1].servers[0].address"),
                words: &["server `dns1` has an IPv6 address, service `names` an IPv4 address"],
                related: Some((28, "an IPv4 service")),
            },
        ],
    );
    let mapped = refused(&edited(("10.8.8.40", "::ffff:10.8.8.40"))).to_string();
    assert!(mapped.contains("is an IPv4 address in IPv6 form"), "{mapped}");
    assert!(mapped.contains("server `web1` (and 1 more of pool `web`) has an IPv4"), "{mapped}");
}

#[test]
fn checks() {
    let check = "servers = [{ name = \"dns1\"";
    expect(
        Severity::Error,
        &[Case {
            edit: (check, "check = { type = \"tcp\" }\nservers = [{ name = \"dns1\""),
            place: (15, "{ type = \"tcp\" }", "pool[1].check.port"),
            words: &["no port to check server `dns1` at", "add one: `check = { port = 80"],
            related: None,
        }],
    );
    expect(
        Severity::Warning,
        &[Case {
            edit: ("timeout = \"1s\"", "timeout = \"3s\""),
            place: (8, "\"3s\"", "pool[0].check.timeout"),
            words: &["timeout 3s is longer than the interval 2s"],
            related: None,
        }],
    );
}

#[test]
fn pools() {
    expect(
        Severity::Warning,
        &[
            Case {
                edit: ("servers = [{ name = \"dns1\", address = \"2001:db8::53\" }]", ""),
                place: (13, "[[pool]]", "pool[1].servers"),
                words: &["pool `dns` has no servers"],
                related: None,
            },
            Case {
                edit: (
                    "[[pool]]\nname = \"dns\"",
                    "[[pool]]\nname = \"spare\"\nservers = [{ name = \"a\", address = \"10.8.8.9\" }]\n[[pool]]\nname = \"dns\"",
                ),
                place: (13, "[[pool]]", "pool[1]"),
                words: &["pool `spare` is used by no service"],
                related: None,
            },
            Case {
                edit: ("\"2001:db8::53\"", "\"2001:db8::53\", weight = 0"),
                place: (13, "[[pool]]", "pool[1].servers"),
                words: &["every server of pool `dns` has weight 0"],
                related: None,
            },
            Case {
                edit: ("10.8.8.44", "10.8.8.44:8080"),
                place: (11, "\"10.8.8.44:8080\"", "pool[0].servers[1].address"),
                words: &[
                    "port 8080 of server `web2`",
                    "the client's port is kept",
                    "check = { port = 8080",
                ],
                related: None,
            },
        ],
    );
}

/// So many servers for the pool `dns`.
fn servers(count: usize) -> String {
    (1..=count)
        .map(|n| format!("{{ name = \"s{n}\", address = \"2001:db8::1:{n:x}\" }},\n"))
        .collect()
}

#[test]
fn ring_sizes() {
    let with = |count: usize| {
        let ring = format!("ring_size = 1021\nservers = [\n{}]", servers(count));
        edited(("servers = [{ name = \"dns1\", address = \"2001:db8::53\" }]", ring.as_str()))
    };
    let warnings = parse("lb.toml", &with(11)).unwrap().warnings;
    let [warning] = warnings.diagnostics.as_slice() else { panic!("{warnings}") };
    assert_eq!(
        (warnings.position(&warning.span).line, warning.key.as_str()),
        (15, "pool[1].ring_size")
    );
    assert!(warnings.to_string().contains("leave `ring_size` out for 1103 slots"), "{warnings}");

    let report = refused(&with(256));
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!((report.position(&error.span).line, error.key.as_str()), (15, "pool[1].ring_size"));
    assert_eq!(error.message, "1021 slots are too few for 256 servers: use 1024 or more");
}

#[test]
fn limits() {
    let limit = |key: &'static str, line: &'static str, words: &[&str]| {
        let report = refused(&edited(("[node]", line)));
        let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!((report.position(&error.span).line, error.key.as_str()), (2, key));
        for words in words {
            assert!(report.to_string().contains(words), "{words}: {report}");
        }
    };
    limit(
        "limits.services",
        "[limits]\nservices = 2\n[node]",
        &["3 address, protocol and port", "the limit is 2", "raise `services` in [limits] to 3"],
    );
    limit("limits.reals", "[limits]\nreals = 2\n[node]", &["3 real servers are needed"]);
    limit("limits.counters", "[limits]\ncounters = 2\n[node]", &["3 counters"]);

    let ring = "name = \"dns\"\nring_size = 65537";
    let text =
        edited(("name = \"dns\"", ring)).replace("[node]", "[limits]\nring_slots = 65536\n[node]");
    let report = refused(&text);
    assert_eq!(report.diagnostics[0].key, "limits.ring_slots");
    assert!(report.to_string().contains("199674 ring slots"), "{report}");
}
