//! What people hear of a real server that fails and comes back: a letter and a line in the log for each.

use std::net::SocketAddr;

use lb_tests::{
    lab::{Families, Topology},
    mail::MailServer,
};

use crate::stage::{LIMIT, RETRY_PAUSE, Stage, has_been_checked, server};

const CHECK: &str =
    r#"{ type = "tcp", interval = "200ms", timeout = "200ms", rise = 2, fall = 2 }"#;
/// In the director's own namespace.
const MAIL_SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 2_525);

#[test]
fn a_letter_and_a_line_for_each_transition() {
    let address = SocketAddr::from(MAIL_SERVER);
    let topology = Topology::default().families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |config| {
        config.check = CHECK.to_owned();
        config.pool = "mail = true\n".to_owned();
        config.more = format!(
            "\n[mail]\nfrom = \"lb@example.org\"\nto = [\"a@example.org\"]\nserver = \"{address}\"\ntimeout = \"5s\"\n"
        );
    });
    let mails = MailServer::start(stage.director.namespace(), address).expect("a mail server");
    stage.director.start().expect("the agent starts");
    stage.until("all have had their first result", |status| {
        status.pools.iter().flat_map(|pool| &pool.servers).all(has_been_checked)
    });
    let told = |state: &str, reason: &str| {
        let letter = mails.next(LIMIT).expect("a letter");
        let subject = format!("director1: real server web4/real2 is {state}");
        assert_eq!(letter.header("Subject"), Some(subject.as_str()), "{letter:?}");
        assert!(letter.lines.iter().any(|line| line.contains(reason)), "{letter:?}");
    };
    stage.lab.stop_server("real2").expect("real2 ends");
    told("DOWN", "connection refused");
    stage.lab.start_server("real2").expect("real2 starts");
    told("UP", "answers");
    assert!(mails.next(RETRY_PAUSE).is_err(), "one letter for each transition");
    let log = stage.director.log();
    for state in ["state=down reason=\"connection refused\"", "state=up reason=\"answers\""] {
        let line = format!("health pool=\"web4\" server=\"real2\" {state}");
        assert_eq!(log.matches(&line).count(), 1, "{line}\n{log}");
    }
    let status = stage.status();
    assert_eq!(server(&status, "web4", "real2").transitions, 2);
}
