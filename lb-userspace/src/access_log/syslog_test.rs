//! Messages as HAProxy sends them.

use super::*;

const NOW: Moment = Moment { micros: 1_795_459_842_294_932, offset: 0 };

fn haproxy() -> Syslog<'static> {
    Syslog {
        format: SyslogFormat::Rfc3164,
        facility: Facility::new("local2").expect("a facility"),
        tag: "haproxy",
        process: 29_682,
        host: None,
        longest: 1_024,
    }
}

fn message(syslog: &Syslog<'_>, severity: Severity, now: Moment, line: &str) -> String {
    let mut out = b"before".to_vec();
    syslog.write(&mut out, severity, now, |out| out.extend_from_slice(line.as_bytes()));
    String::from_utf8(out).expect("text").split_off(6)
}

#[test]
fn messages_of_haproxy() {
    let expected = "<150>Nov 23 18:50:42 haproxy[29682]: line\n";
    assert_eq!(message(&haproxy(), Severity::Info, NOW, "line"), expected);
    let new = Syslog { format: SyslogFormat::Rfc5424, facility: Facility::default(), ..haproxy() };
    let expected = "<134>1 2026-11-23T18:50:42.294932+00:00 - haproxy 29682 - - line\n";
    assert_eq!(message(&new, Severity::Info, NOW, "line"), expected);
}

#[test]
fn hosts_days_and_severities() {
    let named = Syslog { host: Some("lb1"), ..haproxy() };
    let third = Moment { micros: NOW.micros - 20 * 86_400_000_000, offset: 60 };
    let expected = "<147>Nov  3 19:50:42 lb1 haproxy[29682]: line\n";
    assert_eq!(message(&named, Severity::Error, third, "line"), expected);
    let new = Syslog { format: SyslogFormat::Rfc5424, ..named };
    let west = Moment { offset: -210, ..NOW };
    let expected = "<150>1 2026-11-23T15:20:42.294932-03:30 lb1 haproxy 29682 - - line\n";
    assert_eq!(message(&new, Severity::Info, west, "line"), expected);
}

#[test]
fn what_is_too_long_is_cut() {
    let found = message(&haproxy(), Severity::Info, NOW, &"x".repeat(2_000));
    assert_eq!(found.len(), 1_024);
    assert!(found.ends_with("x\n"));
}

#[test]
fn facilities() {
    for (number, name) in ["local0", "local1", "local7"].into_iter().zip([16, 17, 23]) {
        assert_eq!(Facility::new(number).map(Facility::code), Some(name));
    }
    for none in ["local8", "local", "local07", "daemon", ""] {
        assert_eq!(Facility::new(none), None, "{none}");
    }
}
