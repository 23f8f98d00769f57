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
                    "`verify` says nothing to this check: it is for checks of type `tls` and `https`",
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
                &["`path` says nothing to this check: it is for checks of type `http` and `https`"],
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
                &["`a(b` is not a regular expression: unclosed group"],
            ),
            case(
                (TCP, "type = \"http\", body = \"a\", body_regex = \"b\""),
                (8, "\"b\"", "pool[0].check.body_regex"),
                &["two ways", "keep one"],
            ),
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
                &["it is for checks of type `postgresql` and `mysql`"],
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
