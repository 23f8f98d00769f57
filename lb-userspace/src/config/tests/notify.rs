//! Who is told of transitions: what is accepted, and what can be wrong.

use std::{path::Path, time::Duration};

use super::*;
use crate::model::{Config, Mail, MailServer, MailTls, Notify, Script};

const PRIORITY: &str = "priority = 100";
const SCRIPT: &str = "vrrp[0].notify_master";
const MAIL: &str =
    "[mail]\nfrom = \"lb@example.org\"\nto = [\"a@example.org\"]\nserver = \"mail.example.org\"\n";

fn read(text: &str) -> Config {
    let parsed = parse("lb.toml", text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    parsed.config
}

fn script(program: &str, arguments: &[&str]) -> Option<Script> {
    let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
    Some(Script { program: program.into(), arguments })
}

#[test]
fn nobody_is_told_by_default() {
    let config = read(VALID);
    let expected = Notify {
        master: None,
        backup: None,
        fault: None,
        stop: None,
        any: None,
        user: None,
        timeout: Duration::from_secs(30),
        fifo: None,
        mail: false,
    };
    assert_eq!(config.vrrp[0].notify, expected);
    assert_eq!((config.vrrp_groups, config.mail), (vec![], None));
}

#[test]
fn instances_and_groups() {
    let keys = "notify_master = \"/etc/lb/m.sh\"\nnotify_backup = [\"/etc/lb/b c.sh\"]
notify_fault = [\"/bin/sh\", \"-c\", \"logger $2\"]\nnotify_stop = \"/s\"\nnotify = [\"/n\", \"x y\"]
notify_user = \"nobody\"\nnotify_timeout = \"5s\"\nnotify_fifo = \"/run/lb/fifo\"\n";
    let other = format!(
        "[[vrrp]]\nname = \"six\"\ninterface = \"eth1\"\nvirtual_router_id = 51\ngroup = \"g\"\n\
         addresses = [\"fe80::40/64\"]\nmail = false\n[[vrrp_group]]\nname = \"g\"\n{keys}{MAIL}"
    );
    let text = edited((PRIORITY, &format!("group = \"g\"\n{keys}"))) + &other;
    let config = read(&text);
    let [four, six] = &config.vrrp[..] else { panic!("{config:?}") };
    let expected = Notify {
        master: script("/etc/lb/m.sh", &[]),
        backup: script("/etc/lb/b c.sh", &[]),
        fault: script("/bin/sh", &["-c", "logger $2"]),
        stop: script("/s", &[]),
        any: script("/n", &["x y"]),
        user: Some("nobody".to_owned()),
        timeout: Duration::from_secs(5),
        fifo: Some("/run/lb/fifo".into()),
        mail: true,
    };
    assert_eq!(four.notify, expected);
    assert!(!six.notify.mail);
    let [group] = &config.vrrp_groups[..] else { panic!("{config:?}") };
    assert_eq!(group.name.as_str(), "g");
    // A group's members are written about already.
    assert_eq!(group.notify, Notify { mail: false, ..expected });
}

#[test]
fn mail() {
    let mail = read(&format!("{VALID}{MAIL}")).mail.expect("[mail]");
    let expected = Mail {
        from: "lb@example.org".parse().unwrap(),
        to: vec!["a@example.org".parse().unwrap()],
        server: MailServer { host: "mail.example.org".to_owned(), port: None },
        tls: MailTls::None,
        ca_file: None,
        helo: None,
        login: None,
        timeout: Duration::from_secs(10),
    };
    assert_eq!(mail, expected);
    let more = "tls = \"starttls\"\nca_file = \"/etc/lb/ca.pem\"\ntimeout = \"3s\"\nhelo = \"lb1.example.org\"\nusername = \"lb\"\n\
                password_file = \"/etc/lb/mail\"\n";
    let text = format!("{VALID}{MAIL}{more}")
        .replace("[\"a@", "[\"Ä <ä@example.org>\", \"a@")
        .replace("\"mail.example.org\"", "\"[2001:db8::25]:2525\"");
    let mail = read(&text).mail.expect("[mail]");
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.server, MailServer { host: "2001:db8::25".to_owned(), port: Some(2525) });
    assert_eq!((mail.tls, mail.timeout), (MailTls::StartTls, Duration::from_secs(3)));
    assert_eq!(mail.helo.as_deref(), Some("lb1.example.org"));
    assert_eq!(mail.ca_file.as_deref(), Some(Path::new("/etc/lb/ca.pem")));
    let login = mail.login.expect("a login");
    assert_eq!(
        (login.user.as_str(), login.password_file.as_path()),
        ("lb", Path::new("/etc/lb/mail"))
    );
}

#[test]
fn wrong_scripts() {
    expect(
        Severity::Error,
        &[
            case(
                (PRIORITY, "notify_master = \"m.sh\""),
                (37, "\"m.sh\"", SCRIPT),
                &["`m.sh` is not an absolute path", "\"/etc/lb/script.sh\""],
            ),
            case(
                (PRIORITY, "notify_master = \"/etc/lb/m.sh quietly\""),
                (37, "\"/etc/lb/m.sh quietly\"", SCRIPT),
                &["no shell takes this apart", "write [\"/etc/lb/m.sh\", \"quietly\"]"],
            ),
            case(
                (PRIORITY, "notify_master = []"),
                (37, "[]", SCRIPT),
                &["a script without a program"],
            ),
            case(
                (PRIORITY, "notify_master = [\"sh\"]"),
                (37, "\"sh\"", "vrrp[0].notify_master[0]"),
                &["`sh` is not an absolute path"],
            ),
            case(
                (PRIORITY, "notify_master = [\"/m\", 5]"),
                (37, "5", "vrrp[0].notify_master[1]"),
                &["expected a string, found a whole number"],
            ),
            case(
                (PRIORITY, "notify_master = [\"/m\", \"\\u0000\"]"),
                (37, "\"\\u0000\"", "vrrp[0].notify_master[1]"),
                &["no program takes a NUL byte"],
            ),
            case(
                (PRIORITY, "notify_master = 5"),
                (37, "5", SCRIPT),
                &["expected a string, found a whole number"],
            ),
            case(
                (PRIORITY, "notify_user = \"-x\""),
                (37, "\"-x\"", "vrrp[0].notify_user"),
                &["`-x` is not the name of a user"],
            ),
            case(
                (PRIORITY, "notify_timeout = \"11m\""),
                (37, "\"11m\"", "vrrp[0].notify_timeout"),
                &["`11m` is out of range: a timeout is 100ms to 10m"],
            ),
            case(
                (PRIORITY, "notify_fifo = \"fifo\""),
                (37, "\"fifo\"", "vrrp[0].notify_fifo"),
                &["`fifo` is not an absolute path"],
            ),
            case(
                (PRIORITY, "notify_mastr = \"/m\""),
                (37, "notify_mastr", "vrrp[0].notify_mastr"),
                &["did you mean `notify_master`?"],
            ),
        ],
    );
}

#[test]
fn wrong_groups() {
    expect(
        Severity::Error,
        &[
            case(
                ("[[vrrp]]", "[[vrrp_group]]\nname = \"router\"\n\n[[vrrp]]"),
                (34, "\"router\"", "vrrp_group[0].name"),
                &["no instance is in group `router`", "write `group = \"router\"`"],
            ),
            case(
                ("[[vrrp]]", "[[vrrp_group]]\n\n[[vrrp]]"),
                (33, "[[vrrp_group]]", "vrrp_group[0].name"),
                &["`name` is missing in [[vrrp_group]]"],
            ),
            case(
                (PRIORITY, "mail = true"),
                (37, "true", "vrrp[0].mail"),
                &["there is no [mail]", "`from`, `to` and `server`"],
            ),
        ],
    );
    let six = "[[vrrp]]\nname = \"six\"\ninterface = \"eth1\"\nvirtual_router_id = 51\ngroup = \"g\"\n\
               addresses = [\"fe80::40/64\"]\n";
    let twice = "[[vrrp_group]]\nname = \"g\"\n".repeat(2);
    let text = edited((PRIORITY, "group = \"g\"")) + six + &twice;
    let report = refused(&text);
    let [found] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!(found.message, "group `g` is there twice");
    assert_eq!(found.related.len(), 1);
}

#[test]
fn wrong_mail() {
    for (from, to, key, words) in [
        ("lb@example.org", "example.org", "mail.from", "`example.org` is not a mail address"),
        ("a@example.org", "a@", "mail.to[0]", "`a@` is not a mail address"),
        ("[\"a@example.org\"]", "[]", "mail.to", "nobody to send mail to"),
        ("mail.example.org", "mail.example.org:0", "mail.server", "is not a mail server"),
        ("to =", "tls = \"ssl\"\nto =", "mail.tls", "unknown TLS `ssl`"),
        ("to =", "timeout = \"1h\"\nto =", "mail.timeout", "a timeout is 100ms to 10m"),
        ("to =", "helo = \"a b\"\nto =", "mail.helo", "`a b` is not the name of a host"),
        ("to =", "ca_file = \"/a\"\nto =", "mail.ca_file", "`ca_file` without TLS"),
        ("to =", "username = \"a\"\nto =", "mail.username", "`username` without a password"),
        ("to =", "password_file = \"/a\"\nto =", "mail.password_file", "without a user"),
        (
            "to =",
            "username = \"a\"\npassword_file = \"/a\"\nto =",
            "mail.username",
            "the password would cross the network in the clear",
        ),
        ("from = \"lb@example.org\"\n", "", "mail.from", "`from` is missing in [mail]"),
        ("server = \"mail.example.org\"\n", "", "mail.server", "`server` is missing in [mail]"),
    ] {
        assert_eq!(MAIL.matches(from).count(), 1, "{from}");
        let report = refused(&format!("{VALID}{}", MAIL.replace(from, to)));
        let [found] = report.diagnostics.as_slice() else { panic!("{to}: {report}") };
        assert_eq!(found.key, key, "{report}");
        assert!(found.message.contains(words), "{words}: {report}");
        let line = &report.text[found.span.clone()];
        assert!(!line.is_empty(), "{report}");
    }
}
