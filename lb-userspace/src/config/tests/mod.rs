//! Tests of reading: what is accepted, each thing that can be wrong, and any text at all.

mod accepted;
mod accepted_checks;
mod notify;
mod properties;
mod reference;
mod rendered;
mod track;
mod vrrp;
mod wrong_checks;
mod wrong_guards;
mod wrong_keys;
mod wrong_ports;
mod wrong_proxied;
mod wrong_rules;
mod wrong_schedulers;
mod wrong_services;
mod wrong_tls;
mod wrong_track;
mod wrong_tunnels;
mod wrong_values;
mod wrong_vips;
mod wrong_vrrp;

use super::{Parsed, Report, Severity, parse};

/// A valid configuration; lines are counted in the tests.
const VALID: &str = r#"[node]
name = "director-1"
interface = "eth0"

[[pool]]
name = "web"
scheduler = "maglev"
check = { type = "tcp", port = 80, interval = "2s", timeout = "1s", rise = 2, fall = 3 }
servers = [
  { name = "web1", address = "10.8.8.43", weight = 1 },
  { name = "web2", address = "10.8.8.44", weight = 2 },
]
[[pool]]
name = "dns"
servers = [{ name = "dns1", address = "2001:db8::53" }]

[[service]]
name = "site"
address = "10.8.8.40"
ports = ["tcp/80", "tcp/443"]
mark = 80
mode = "direct-routing"
persistence = { source = "/24", timeout = "6m" }
pool = "web"

[[service]]
name = "names"
address = "2001:db8::40"
ports = ["udp/53"]
mark = 53
pool = "dns"

[[vrrp]]
name = "shared"
interface = "eth1"
virtual_router_id = 51
priority = 100
advert_interval = "1s"
addresses = ["10.9.9.40/24", "10.9.9.50"]
"#;

/// One thing that is wrong.
struct Case {
    /// What is replaced in [`VALID`], and by what.
    edit: (&'static str, &'static str),
    /// The line, the text marked in it, and the key.
    place: (usize, &'static str, &'static str),
    /// Words of the message or the help.
    words: &'static [&'static str],
    /// The line of the other place that is shown, and words about it.
    related: Option<(usize, &'static str)>,
}

/// Shorthand: most cases have no second place.
const fn case(
    edit: (&'static str, &'static str),
    place: (usize, &'static str, &'static str),
    words: &'static [&'static str],
) -> Case {
    Case { edit, place, words, related: None }
}

/// [`VALID`] with something else in one place.
fn edited((from, to): (&str, &str)) -> String {
    assert_eq!(VALID.matches(from).count(), 1, "not once in the text: {from}");
    VALID.replace(from, to)
}

/// Checks that the edit gives exactly the one diagnostic that the case describes.
fn expect_one(case: &Case, severity: Severity) {
    let outcome = parse("lb.toml", &edited(case.edit));
    let report = match (outcome, severity) {
        (Err(report), Severity::Error) => report,
        (Ok(Parsed { warnings, .. }), Severity::Warning) => warnings,
        (Ok(_), Severity::Error) => panic!("{:?} was accepted", case.edit),
        (Err(report), Severity::Warning) => panic!("{:?} was refused:\n{report}", case.edit),
    };
    let context = || format!("{:?}:\n{report}", case.edit);
    let [found] = report.diagnostics.as_slice() else { panic!("not one: {}", context()) };
    assert_eq!(found.severity, severity, "{}", context());
    let place =
        (report.position(&found.span).line, &report.text[found.span.clone()], found.key.as_str());
    assert_eq!(place, case.place, "{}", context());
    let said = format!("{} | {}", found.message, found.help.as_deref().unwrap_or_default());
    for words in case.words {
        assert!(said.contains(words), "{words:?} not in {said:?}");
    }
    let related: Vec<_> = found
        .related
        .iter()
        .map(|other| (report.position(&other.span).line, other.message.as_str()))
        .collect();
    assert_eq!(related, Vec::from_iter(case.related), "{}", context());
}

/// Checks each case.
fn expect(severity: Severity, cases: &[Case]) {
    for case in cases {
        expect_one(case, severity);
    }
}

/// The report about a text that is refused.
fn refused(text: &str) -> Report {
    parse("lb.toml", text).expect_err("the text should be refused")
}
