//! Checks by DNS and SMTP, against a name server (NSD) and a mail server (OpenSMTPD).

use std::fs;
use std::process::Command;

use lb_tests::lab::{Families, Process, Topology};

use crate::servant::{REAL, Servant, check};
use crate::stage::{LIMIT, Stage};

/// One zone. Its text does not fit into a datagram of 512 bytes, so it is asked for by TCP.
pub(crate) fn nsd(stage: &Stage) -> Servant {
    let mut servant = Servant::new(stage, "nsd");
    let folder = servant.folder.display().to_string();
    let long = format!("\"{}\"", "x".repeat(200));
    let zone = format!(
        "$ORIGIN example.org.\n$TTL 60\n@ SOA ns host 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n\
         www A 192.0.2.80\nwww A 192.0.2.81\nwww AAAA 2001:db8::80\nlong TXT {long} {long} {long} {long}\n"
    );
    fs::write(servant.folder.join("zone"), zone).expect("a zone");
    let config = format!(
        "server:\n ip-address: 0.0.0.0@5353\n username: \"\"\n zonesdir: \"{folder}\"\n\
         \x20database: \"\"\n pidfile: \"\"\n xfrdfile: \"{folder}/xfrd\"\n zonelistfile: \"{folder}/list\"\n\
         \x20xfrdir: \"{folder}\"\nremote-control:\n control-enable: no\n\
         zone:\n name: example.org\n zonefile: zone\n"
    );
    let file = servant.folder.join("nsd.conf");
    fs::write(&file, config).expect("a configuration");
    let mut command = servant.command("/usr/sbin/nsd");
    command.arg("-d").arg("-c").arg(&file);
    servant.start(stage, command);
    servant
}

/// It drops its rights by itself.
pub(crate) fn smtpd(stage: &Stage) -> Process {
    let folder = stage.lab.folder();
    let file = folder.join("smtpd.conf");
    let config = "listen on 0.0.0.0 port 2525 hostname mail.test\nmatch for any reject\n";
    fs::write(&file, config).expect("a configuration");
    let mut command = Command::new("/usr/sbin/smtpd");
    command.arg("-d").arg("-f").arg(&file);
    let log = folder.join("smtpd.log");
    Process::spawn(stage.lab.namespace(REAL), &mut command, &log).expect("the mail server starts")
}

#[test]
fn names_and_mail() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |_| {});
    let mut names = nsd(&stage);
    let mut mail = smtpd(&stage);
    stage.director.start().expect("the agent starts");
    let stage = &mut stage;
    let asking = |more: &str| format!("type = \"dns\", port = 5353, query = {more}");
    for good in [
        "\"example.org\"",
        "\"www.example.org\", answer = \"192.0.2.81\"",
        "\"www.example.org\", answer = \"2001:db8::80\"",
        "\"no.example.org\", record = \"A\", rcode = \"NXDOMAIN\"",
        "\"long.example.org\", record = \"TXT\"",
    ] {
        check(stage, &asking(good), "up", None);
    }
    let elsewhere = asking("\"www.example.com\", record = \"A\"");
    let words = "www.example.com A: REFUSED, expected NOERROR";
    check(stage, &elsewhere, "down", Some(words));
    let other = asking("\"www.example.org\", answer = \"192.0.2.99\"");
    let words = "www.example.org A: 192.0.2.99 is not among the answers (192.0.2.80, 192.0.2.81)";
    check(stage, &other, "down", Some(words));
    let missing = asking("\"no.example.org\", record = \"A\"");
    check(stage, &missing, "down", Some("no.example.org A: NXDOMAIN, expected NOERROR"));

    check(stage, "type = \"smtp\", port = 2525", "up", None);
    // One for the other.
    check(stage, "type = \"smtp\", port = 80", "down", Some("a greeting with 220"));
    check(stage, "type = \"dns\", port = 2525", "down", Some("port unreachable, says ICMP"));
    names.process.take().expect("it runs").terminate(LIMIT).expect("it ends");
    mail.terminate(LIMIT).expect("it ends");
    let gone = asking("\"example.org\"");
    check(stage, &gone, "down", Some("port unreachable, says ICMP: nothing listens there"));
    check(stage, "type = \"smtp\", port = 2525", "down", Some("connection refused"));
}
