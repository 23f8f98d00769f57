//! The words of `lb health`.

use super::*;
use crate::api::{CheckStep, LastCheck};

fn check() -> CheckStatus {
    CheckStatus {
        pool: "web".parse().unwrap(),
        server: "web1".parse().unwrap(),
        check: 1,
        kind: "http".to_owned(),
        address: "10.8.8.43:80".to_owned(),
        vips: Vec::new(),
        state: "up".to_owned(),
        since_seconds: 65.4,
        contrary: 0,
        needed: 3,
        checks: 33,
        failed: 1,
        last: Some(LastCheck {
            outcome: "passed".to_owned(),
            reason: None,
            took_ms: 0.4567,
            seconds_ago: 0.5,
        }),
        failure: None,
        advice: None,
        suspended: false,
        interval_seconds: 2.0,
        next_seconds: 1.5,
    }
}

#[test]
fn a_table() {
    let failing = CheckStatus {
        server: "web2".parse().unwrap(),
        contrary: 2,
        failed: 2,
        last: Some(LastCheck {
            outcome: "failed".to_owned(),
            reason: Some("no answer within 1s".to_owned()),
            took_ms: 1000.6,
            seconds_ago: 0.1,
        }),
        advice: Some("50%".to_owned()),
        ..check()
    };
    let new = CheckStatus {
        server: "web3".parse().unwrap(),
        state: "unknown".to_owned(),
        checks: 0,
        failed: 0,
        last: None,
        suspended: true,
        vips: vec!["10.8.8.40".parse().unwrap()],
        ..check()
    };
    let expected = "  \
  SERVER    ADDRESS       CHECK  STATE    SINCE  CHECKS  FAILED    TOOK  NEXT  WHY
  web/web1  10.8.8.43:80  http   up       1m 5s      33       1  0.46ms  1.5s  answers
  web/web2  10.8.8.43:80  http   up       1m 5s      33       2  1001ms  1.5s  no answer within 1s (2 of 3); it says: 50%
  web/web3  10.8.8.43:80  http   unknown  1m 5s       0       0                not checked yet; suspended: the VIPs are on another director; through 10.8.8.40
";
    assert_eq!(text(&[check(), failing, new], Paint::Plain), expected);
}

#[test]
fn each_step_of_a_test() {
    let step = |at_ms, words: &str| CheckStep { at_ms, words: words.to_owned() };
    let test = CheckTest {
        check: 1,
        kind: "http".to_owned(),
        address: "10.8.8.43:80".to_owned(),
        outcome: "failed".to_owned(),
        reason: Some("status 503, expected 200–399".to_owned()),
        took_ms: 123.4,
        steps: vec![step(0.01, "connects to 10.8.8.43:80"), step(0.2, "connected")],
    };
    let expected = "check 1: http to 10.8.8.43:80
     0.01ms  connects to 10.8.8.43:80
     0.20ms  connected
      123ms  failed: status 503, expected 200–399
";
    assert_eq!(steps(&test, Paint::Plain), expected);
}

#[test]
fn pools_and_servers() {
    let which = |text: &str| text.parse::<Which>();
    let web: Name = "web".parse().unwrap();
    assert_eq!(which("web"), Ok(Which { pool: web.clone(), server: None }));
    assert_eq!(which("web/a"), Ok(Which { pool: web, server: Some("a".parse().unwrap()) }));
    assert!(which("web/a/b").is_err());
    assert!(which("").is_err());
}
