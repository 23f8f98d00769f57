//! What can be wrong with a check.

use super::*;

#[test]
fn tls() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "verify = false"),
                (8, "false", "pool[0].check.verify"),
                &[
                    "`verify` says nothing to this check: it is for checks of types `tls`, `https` and `grpc`",
                ],
            ),
            case(
                (TCP, "type = \"tls\", path = \"/\", verify = false"),
                (8, "\"/\"", "pool[0].check.path"),
                &["`path` says nothing"],
            ),
            case(
                (TCP, "type = \"https\", sni = \"10.8.8.43\""),
                (8, "\"10.8.8.43\"", "pool[0].check.sni"),
                &["`10.8.8.43` is not the name of a TLS server"],
            ),
            case(
                (TCP, "type = \"tls\", sni = \"a.example\", verify = \"no\""),
                (8, "\"no\"", "pool[0].check.verify"),
                &["expected `true` or `false`"],
            ),
            case(
                (TCP, "type = \"tls\", ca = \"/etc/ca.pem\", verify = false"),
                (8, "ca", "pool[0].check.ca"),
                &["`ca` is not available in this version"],
            ),
        ],
    );
    let text = edited((TCP, "type = \"https\", host = \"10.8.8.43:443\""));
    let report = refused(&text);
    let [found] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!((found.key.as_str(), report.position(&found.span).line), ("pool[0].check.sni", 8));
    assert_eq!(found.message, "no name for which the certificate must be valid");
    assert!(found.help.as_ref().is_some_and(|help| help.contains("`verify = false`")));
}

const TCP: &str = "type = \"tcp\"";

#[test]
fn http() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "path = \"/\""),
                (8, "\"/\"", "pool[0].check.path"),
                &[
                    "`path` says nothing to this check: it is for checks of types `http` and `https`",
                ],
            ),
            case(
                (TCP, "type = \"http\", path = \"up\""),
                (8, "\"up\"", "pool[0].check.path"),
                &["`up` is not a path", "begins with `/`"],
            ),
            case(
                (TCP, "type = \"http\", method = \"get\""),
                (8, "\"get\"", "pool[0].check.method"),
                &["unknown method `get`", "`GET`"],
            ),
            case(
                (TCP, "type = \"http\", host = \"http://a\""),
                (8, "\"http://a\"", "pool[0].check.host"),
                &["is not a host"],
            ),
            case(
                (TCP, "type = \"http\", headers = [\"Host: a\"]"),
                (8, "\"Host: a\"", "pool[0].check.headers[0]"),
                &["`Host` is written by the check itself: use `host`"],
            ),
            case(
                (TCP, "type = \"http\", status = [\"2xx\"]"),
                (8, "\"2xx\"", "pool[0].check.status[0]"),
                &["`2xx` is not a status", "\"200-399\""],
            ),
            case(
                (TCP, "type = \"http\", status = []"),
                (8, "[]", "pool[0].check.status"),
                &["no status would be a good one"],
            ),
            case(
                (TCP, "type = \"http\", body_regex = \"a(b\""),
                (8, "\"a(b\"", "pool[0].check.body_regex"),
                &["`a(b` is not a regular expression: unclosed group at character 2"],
            ),
            case(
                (TCP, "type = \"http\", body = \"a\", body_regex = \"b\""),
                (8, "\"b\"", "pool[0].check.body_regex"),
                &["two ways", "keep one"],
            ),
            case(
                (TCP, "type = \"http\", body_sha256 = \"abc\""),
                (8, "\"abc\"", "pool[0].check.body_sha256"),
                &["`abc` is not a SHA-256 digest", "64"],
            ),
            case(
                (TCP, "type = \"http\", version = \"3\""),
                (8, "\"3\"", "pool[0].check.version"),
                &["unknown version `3`", "`1.1` and `2`"],
            ),
            case(
                (TCP, "type = \"http\", requests = []"),
                (8, "[]", "pool[0].check.requests"),
                &["1 to 16 requests, this one has 0"],
            ),
            case(
                (TCP, "type = \"http\", requests = [{ path = \"up\" }]"),
                (8, "\"up\"", "pool[0].check.requests[0].path"),
                &["`up` is not a path"],
            ),
            Case {
                edit: (TCP, "type = \"http\", path = \"/\", requests = [{}]"),
                place: (8, "\"/\"", "pool[0].check.path"),
                words: &["the check has a list of requests"],
                related: Some((8, "the list")),
            },
            case(
                (TCP, "type = \"http\", body = \"\""),
                (8, "\"\"", "pool[0].check.body"),
                &["an empty text is in every body"],
            ),
            case(
                (TCP, "type = \"http\", method = \"HEAD\", body = \"ok\""),
                (8, "\"ok\"", "pool[0].check.body"),
                &["an answer to HEAD has no body", "GET"],
            ),
        ],
    );
}

#[test]
fn databases() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "type = \"redis\", user = \"lb\""),
                (8, "\"lb\"", "pool[0].check.user"),
                &["it is for checks of types `postgresql`, `mysql` and `script`"],
            ),
            case(
                (TCP, "type = \"mysql\", user = \"\""),
                (8, "\"\"", "pool[0].check.user"),
                &["is no name of a user: use 1 to 63 bytes"],
            ),
            case(
                (TCP, "type = \"postgres\""),
                (8, "\"postgres\"", "pool[0].check.type"),
                &["postgresql"],
            ),
        ],
    );
}

#[test]
fn other_kinds() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "type = \"dsn\""),
                (8, "\"dsn\"", "pool[0].check.type"),
                &["unknown check type `dsn`", "did you mean `dns`?", "`tcp`", "`agent`"],
            ),
            case(
                (TCP, "type = \"dns\", query = \"a..b\""),
                (8, "\"a..b\"", "pool[0].check.query"),
                &["`a..b` is not a name in the DNS"],
            ),
            case(
                (TCP, "type = \"dns\", record = \"MX\", answer = \"::1\""),
                (8, "\"MX\"", "pool[0].check.record"),
                &["kind MX holds no such address", "AAAA"],
            ),
            case(
                (TCP, "type = \"dns\", rcode = \"NXDOMAIN\", answer = \"::1\""),
                (8, "\"::1\"", "pool[0].check.answer"),
                &["an answer with NXDOMAIN holds no address"],
            ),
            case(
                (TCP, "type = \"udp\", send_hex = \"0g\""),
                (8, "\"0g\"", "pool[0].check.send_hex"),
                &["`0g` is not a row of bytes"],
            ),
            case(
                (TCP, "type = \"udp\", expect = \"\""),
                (8, "\"\"", "pool[0].check.expect"),
                &["every answer begins with nothing"],
            ),
            case(
                (TCP, "type = \"udp\", expect = \"a\", expect_regex = \"b\""),
                (8, "\"b\"", "pool[0].check.expect_regex"),
                &["two ways to say the same", "keep one"],
            ),
            case(
                (TCP, "type = \"grpc\", verify = false"),
                (8, "false", "pool[0].check.verify"),
                &["no certificate in a check without TLS", "`tls = true`"],
            ),
            case(
                (TCP, "type = \"grpc\", service = \"a\\n\""),
                (8, "\"a\\n\"", "pool[0].check.service"),
                &["is not the name of a gRPC service"],
            ),
            case(
                ("type = \"tcp\", port = 80", "type = \"ping\", port = 80"),
                (8, "80", "pool[0].check.port"),
                &[
                    "`port` says nothing to this check: it is for checks of other types than `ping`, `file` and `script`",
                ],
            ),
            case(
                (TCP, "type = \"udp\", proxy_protocol = \"v1\""),
                (8, "\"v1\"", "pool[0].check.proxy_protocol"),
                &["it is for checks of types that open a connection"],
            ),
            case(
                ("type = \"tcp\", port = 80", "type = \"file\", file = \"web1\""),
                (8, "\"web1\"", "pool[0].check.file"),
                &["`web1` is not an absolute path"],
            ),
            case(
                (TCP, "type = \"tcp\", dynamic = true"),
                (8, "true", "pool[0].check.dynamic"),
                &["it is for checks of types `file` and `script`"],
            ),
            case(
                ("type = \"tcp\", port = 80", "type = \"script\", script = \"exit 0\""),
                (8, "\"exit 0\"", "pool[0].check.script"),
                &["`exit 0` is not an absolute path"],
            ),
            case((TCP, "mark = 0"), (8, "0", "pool[0].check.mark"), &["mark 0 is out of range"]),
            Case {
                edit: (TCP, "address = \"10.0.0.1\", source = \"::1\""),
                place: (8, "\"::1\"", "pool[0].check.source"),
                words: &["a check from an IPv4 address goes to one"],
                related: Some((8, "of the other family")),
            },
            case(
                ("interval = \"2s\"", "interval = \"0s\""),
                (8, "\"0s\"", "pool[0].check.interval"),
                &["`0s` is out of range: use 10ms to 1h"],
            ),
        ],
    );
}

#[test]
fn times() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "type = \"tcp\", interval_down = \"0s\""),
                (8, "\"0s\"", "pool[0].check.interval_down"),
                &["`0s` is out of range: use 10ms to 1h"],
            ),
            case(
                (TCP, "interval_changing = \"2h\""),
                (8, "\"2h\"", "pool[0].check.interval_changing"),
                &["`2h` is out of range: use 10ms to 1h"],
            ),
            case(
                (TCP, "jitter = 51"),
                (8, "51", "pool[0].check.jitter"),
                &["51 is out of range: use 0 to 50"],
            ),
            case((TCP, "warm_up = 5"), (8, "5", "pool[0].check.warm_up"), &["5 has no unit"]),
            case(
                (TCP, "start = \"drain\""),
                (8, "\"drain\"", "pool[0].check.start"),
                &["unknown start `drain`", "`up`", "`down`"],
            ),
            case(
                (TCP, "while_backup = \"stop\""),
                (8, "\"stop\"", "pool[0].check.while_backup"),
                &["unknown choice `stop`", "`suspend`"],
            ),
        ],
    );
    expect(
        Severity::Warning,
        &[case(
            (TCP, "interval_changing = \"500ms\""),
            (8, "\"1s\"", "pool[0].check.timeout"),
            &["timeout 1s is longer than the interval 500ms"],
        )],
    );
}

#[test]
fn ports_and_agents() {
    expect(
        Severity::Error,
        &[case(
            ("type = \"tcp\", port = 80", "type = \"udp\""),
            (
                8,
                "{ type = \"udp\", interval = \"2s\", timeout = \"1s\", rise = 2, fall = 3 }",
                "pool[0].check.port",
            ),
            &["no port to check server `web1` at", "has a UDP port"],
        )],
    );
    expect(
        Severity::Warning,
        &[
            case(
                (TCP, "type = \"agent\""),
                (
                    8,
                    "{ type = \"agent\", port = 80, interval = \"2s\", timeout = \"1s\", rise = 2, fall = 3 }",
                    "pool[0].check",
                ),
                &["nothing but agents checks pool `web`"],
            ),
            case(
                ("timeout = \"1s\"", "timeout = \"3s\""),
                (8, "\"3s\"", "pool[0].check.timeout"),
                &["timeout 3s is longer than the interval 2s"],
            ),
        ],
    );
}

#[test]
fn several() {
    expect(
        Severity::Error,
        &[
            case(
                ("fall = 3 }", "fall = 3 }\nchecks_needed = 2"),
                (9, "2", "pool[0].checks_needed"),
                &["2 checks cannot pass: the pool has 1; use 1 to 1"],
            ),
            case(
                (TCP, "type = [\"tcp\"]"),
                (8, "[\"tcp\"]", "pool[0].check.type"),
                &["expected a string"],
            ),
        ],
    );
}

#[test]
fn through_vips() {
    expect(
        Severity::Error,
        &[
            case(
                ("type = \"tcp\", port = 80", "type = \"ping\", through_vip = true"),
                (8, "true", "pool[0].check.through_vip"),
                &["it is for checks of types that ask a service"],
            ),
            Case {
                edit: (TCP, "address = \"10.0.0.1\", through_vip = true"),
                place: (8, "true", "pool[0].check.through_vip"),
                words: &["goes to each real server itself", "keep one of the two"],
                related: Some((8, "elsewhere")),
            },
        ],
    );
    let behind = edited(("mark = 53", "mode = \"tunnel\"")).replace(
        "servers = [{ name = \"dns1\"",
        "check = { type = \"dns\", through_vip = true }\nservers = [{ name = \"dns1\"",
    );
    assert!(parse("lb.toml", &behind).is_ok(), "in tunnels, too");
}
