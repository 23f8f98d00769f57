//! What can be wrong with guards, rates and flood mode.

use super::*;

/// A guard for the service `names`, which has an IPv6 address; it stands in line 31.
fn guarded(guard: &str) -> String {
    edited(("mark = 53", &format!("mark = 53\nguard = {guard}")))
}

#[test]
fn prefixes() {
    for (prefix, words) in [
        ("10.0.0.0/33", "the length of an IPv4 prefix is 0 to 32"),
        ("2001:db8::/129", "the length of an IPv6 prefix is 0 to 128"),
        ("2001:db8::1/32", "the network is 2001:db8::/32, the one host 2001:db8::1"),
        ("10.0.0.1/24", "the network is 10.0.0.0/24, the one host 10.0.0.1"),
        ("here", "write one such as 10.0.0.0/8"),
    ] {
        for list in ["allow", "deny"] {
            let report = refused(&guarded(&format!("{{ {list} = [\"::/1\", \"{prefix}\"] }}")));
            let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
            assert_eq!(error.key, format!("service[1].guard.{list}[1]"));
            assert_eq!(report.text[error.span.clone()], format!("\"{prefix}\""));
            assert!(error.message.contains(words), "{report}");
        }
    }
}

#[test]
fn lists() {
    expect_one(
        &Case {
            edit: (
                "mark = 53",
                "mark = 53\nguard = { allow = [\"::/0\", \"2001:db8::/32\"], deny = [\"2001:db8::/32\"] }",
            ),
            place: (31, "\"2001:db8::/32\"", "service[1].guard.deny[0]"),
            words: &["prefix 2001:db8::/32 is in both lists", "take it out of one"],
            related: Some((31, "first here")),
        },
        Severity::Error,
    );
    expect(
        Severity::Warning,
        &[
            Case {
                edit: (
                    "mark = 53",
                    "mark = 53\nguard = { deny = [\"2001:db8::/32\", \"2001:db8::/32\"] }",
                ),
                place: (31, "\"2001:db8::/32\"", "service[1].guard.deny[1]"),
                words: &["prefix 2001:db8::/32 is named twice"],
                related: Some((31, "first here")),
            },
            Case {
                edit: (
                    "mark = 53",
                    "mark = 53\nguard = { allow = [\"10.0.0.0/8\", \"10.1.2.3\"] }",
                ),
                place: (31, "\"10.0.0.0/8\"", "service[1].guard.allow[0]"),
                words: &[
                    "10.0.0.0/8 (and 1 more) never matches: clients of service `names` come by IPv6",
                ],
                related: Some((28, "the service's address")),
            },
            Case {
                edit: ("mark = 80", "mark = 80\nguard = { deny = [\"2001:db8::/32\"] }"),
                place: (22, "\"2001:db8::/32\"", "service[0].guard.deny[0]"),
                words: &["2001:db8::/32 never matches: clients of service `site` come by IPv4"],
                related: Some((19, "the service's address")),
            },
            case(
                ("mark = 53", "mark = 53\nguard = { default = \"deny\" }"),
                (31, "\"deny\"", "service[1].guard.default"),
                &["service `names` lets nobody in", "allow = [\"10.0.0.0/8\"]"],
            ),
        ],
    );
}

#[test]
fn rates() {
    expect(
        Severity::Error,
        &[
            case(
                ("mark = 53", "mark = 53\nguard = { default = \"refuse\" }"),
                (31, "\"refuse\"", "service[1].guard.default"),
                &["unknown default `refuse`", "`allow` and `deny`"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { rate = 100 }"),
                (31, "100", "service[1].guard.rate"),
                &["100 has no unit", "write \"100/s\", or another of the units /s, /m, /h"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { rate = \"100\" }"),
                (31, "\"100\"", "service[1].guard.rate"),
                &["`100` is not a rate", "as in `100/s`"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { source_rate = \"0/s\" }"),
                (31, "\"0/s\"", "service[1].guard.source_rate"),
                &["out of range", "1/h to 1000000000/s"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { rate = \"100/s\", burst = 0 }"),
                (31, "0", "service[1].guard.burst"),
                &["burst 0 is out of range: it is 1 to 1000000000"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { source_rate = \"1/h\", source_burst = 1000 }"),
                (31, "1000", "service[1].guard.source_burst"),
                &["at 1/h, at most 720 connections come back in 30 days"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { burst = 10 }"),
                (31, "10", "service[1].guard.burst"),
                &["`burst` without `rate` limits nothing", "add `rate = \"100/s\"`"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { rate = \"1/s\", source6 = \"/64\" }"),
                (31, "\"/64\"", "service[1].guard.source6"),
                &["`source6` without `source_rate` limits nothing"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { source_rate = \"1/s\", source = \"/33\" }"),
                (31, "\"/33\"", "service[1].guard.source"),
                &["write \"/1\" to \"/32\""],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { allowed = [] }"),
                (31, "allowed", "service[1].guard.allowed"),
                &["unknown key `allowed` in `guard` of a service", "did you mean `allow`?"],
            ),
            case(
                ("mark = 53", "mark = 53\nguard = { allow = \"::/0\" }"),
                (31, "\"::/0\"", "service[1].guard.allow"),
                &["expected an array, found a string"],
            ),
        ],
    );
}

#[test]
fn flood_mode() {
    expect(
        Severity::Error,
        &[
            Case {
                edit: ("mark = 53", "mark = 53\nflood = { above = \"100/s\", below = \"100/s\" }"),
                place: (31, "\"100/s\"", "service[1].flood.below"),
                words: &["begins above 100/s, so it cannot end below 100/s"],
                related: Some((31, "flood mode begins here")),
            },
            case(
                ("mark = 53", "mark = 53\nflood = { above = \"100/m\" }"),
                (31, "\"100/m\"", "service[1].flood.above"),
                &["`100/m` is not a rate a second: write one such as `50000/s`"],
            ),
            case(
                ("mark = 53", "mark = 53\nflood = { above = \"1/s\" }"),
                (31, "\"1/s\"", "service[1].flood.above"),
                &["2/s or more"],
            ),
            case(
                ("mark = 53", "mark = 53\nflood = { above = 50000 }"),
                (31, "50000", "service[1].flood.above"),
                &["50000 has no unit", "write \"50000/s\""],
            ),
            case(
                ("mark = 53", "mark = 53\nflood = { below = \"1/s\" }"),
                (31, "{ below = \"1/s\" }", "service[1].flood.above"),
                &["`above` is missing in `flood` of a service"],
            ),
        ],
    );
}

#[test]
fn more_prefixes_than_fit() {
    let guard = |count: usize| {
        let list: String = (0..count).map(|n| format!("\"2001:db8::{n:x}\", ")).collect();
        guarded(&format!("{{ allow = [{list}] }}"))
    };
    let limit = "[limits]\nguard_prefixes = 1024\n[node]";
    assert!(parse("lb.toml", &guard(1_024).replace("[node]", limit)).is_ok());
    let report = refused(&guard(1_025).replace("[node]", limit));
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!(
        (report.position(&error.span).line, error.key.as_str()),
        (2, "limits.guard_prefixes")
    );
    assert_eq!(error.message, "1025 prefixes of guards are needed, the limit is 1024");

    let many = |count: usize| {
        let list: String = (0..count)
            .map(|n| format!("\"2001:db8::{:x}:{:x}\", ", n / 65_536, n % 65_536))
            .collect();
        guarded(&format!("{{ deny = [{list}] }}"))
    };
    assert!(parse("lb.toml", &many(65_536)).is_ok());
    let report = refused(&many(65_537));
    let [error] = report.diagnostics.as_slice() else {
        panic!("{} errors", report.diagnostics.len())
    };
    assert_eq!(error.key, "service[1].guard.deny");
    assert_eq!(error.message, "`deny` has 65537 prefixes: at most 65536 fit in the file");
}
