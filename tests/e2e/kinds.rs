//! Checks by ping and by datagrams, the word of agents, and checks that go another way than the traffic.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use lb_tests::lab::{Families, Topology};

use crate::servant::{REAL, check};
use crate::stage::{Stage, server};

/// Sends datagrams back.
fn echo(stage: &Stage, port: u16) {
    let bound = stage.lab.namespace(REAL).enter(|| UdpSocket::bind(("0.0.0.0", port)));
    let socket = bound.expect("the namespace").expect("a port");
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut datagram) {
            let _ = socket.send_to(&datagram[..length], client);
        }
    });
}

/// An agent whose line can be changed; it has the client's address in place of `{}`.
fn agent(stage: &Stage, port: u16) -> Arc<Mutex<String>> {
    let bound = stage.lab.namespace(REAL).enter(|| TcpListener::bind(("0.0.0.0", port)));
    let listener = bound.expect("the namespace").expect("a port");
    let line = Arc::new(Mutex::new(String::new()));
    let said = Arc::clone(&line);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(client) = stream.peer_addr() else { continue };
            let line = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let _ = stream.write_all(line.replace("{}", &client.ip().to_string()).as_bytes());
            let _ = stream.read(&mut [0; 16]);
        }
    });
    line
}

fn say(line: &Mutex<String>, words: &str) {
    words.clone_into(&mut line.lock().unwrap_or_else(PoisonError::into_inner));
}

fn up(families: Families) -> Stage {
    let mut stage = Stage::prepared(Topology::default().families(families), |_| {});
    stage.director.start().expect("the agent starts");
    stage
}

#[test]
fn pings_and_datagrams() {
    let stage = &mut up(Families::Ipv4);
    echo(stage, 7777);
    check(stage, "type = \"ping\"", "up", None);
    check(stage, "type = \"udp\", port = 7777, send = \"hello\", expect = \"hell\"", "up", None);
    let other = "type = \"udp\", port = 7777, send_hex = \"00 ff\", expect_hex = \"01\"";
    let words = r#"expected an answer that begins with "\x01", got "\x00\xff""#;
    check(stage, other, "down", Some(words));
    let gone = "type = \"udp\", port = 7778, send = \"hello\"";
    check(stage, gone, "down", Some("port unreachable, says ICMP: nothing listens there"));
    let sysctl = |value| {
        let set = [("net/ipv4/icmp_echo_ignore_all", value)];
        stage.lab.namespace(REAL).sysctls(&set).expect("a setting");
    };
    sysctl("1");
    check(stage, "type = \"ping\"", "down", Some("no answer within 1s"));
}

#[test]
fn pings_by_ipv6() {
    let stage = &mut up(Families::Ipv6);
    let pace = "interval = \"100ms\", timeout = \"1s\", rise = 1, fall = 1";
    stage.config.check = format!("{{ type = \"ping\", {pace} }}");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
    stage.until("it answers to pings", |status| {
        let health = server(status, "web6", REAL).health.as_ref();
        health.is_some_and(|health| {
            health.kind == "ping" && health.state == "up" && health.checks > 0
        })
    });
}

#[test]
fn what_an_agent_says() {
    let stage = &mut up(Families::Ipv4);
    let line = agent(stage, 9999);
    say(&line, "up 100%\n");
    let asking = "type = \"agent\", port = 9999";
    check(stage, asking, "up", None);
    // The other one has nobody who says anything, so it is as it was.
    let share = |stage: &Stage, what: &str, share: f64| {
        stage.until(what, |status| (server(status, "web4", REAL).share - share).abs() < 0.01);
    };
    share(stage, "both have half", 0.5);
    say(&line, "up 50%\n");
    share(stage, "a third of all, as its weight is half the other's", 1.0 / 3.0);
    let status = stage.status();
    let known = server(&status, "web4", REAL);
    assert_eq!((known.weight, known.advice.as_deref()), (1, Some("50 %")));
    say(&line, "drain\n");
    share(stage, "drained by its own word", 0.0);
    assert_eq!(server(&stage.status(), "web4", REAL).state, "drain");
    // The next agent knows it from the first moment on.
    let written = ["health.json", "checks.json"].map(|file| stage.director.paths.state.join(file));
    stage.until("it is written down", |_| {
        let says = |file| fs::read_to_string(file).is_ok_and(|text| text.contains("\"drain\""));
        written.iter().all(says)
    });
    stage.director.kill9().expect("the agent dies");
    // It may die with one of the two written: what was put into force counts.
    let [_, checks] = &written;
    let text = fs::read_to_string(checks).expect("what each check has found");
    fs::write(checks, text.replace("\"drain\"", "\"ready\"")).expect("it is older now");
    say(&line, "HTTP/1.1 200 OK\n");
    stage.director.start().expect("the next one starts");
    assert_eq!(server(&stage.status(), "web4", REAL).state, "drain");
    say(&line, "down #nightly backup\n");
    check(stage, asking, "down", Some("the agent says down: nightly backup"));
    say(&line, "up\n");
    share(stage, "all as configured", 0.5);
    // An agent that says nothing takes nobody out.
    say(&line, "HTTP/1.1 200 OK\n");
    check(stage, asking, "up", Some("the agent says nothing: expected the line of an agent"));
}

#[test]
fn a_file_for_each_server() {
    let stage = &mut up(Families::Ipv4);
    let folder = stage.lab.folder().join("weights");
    fs::create_dir(&folder).expect("a folder");
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    put("real1", "1\n");
    put("real2", "3\n");
    let file = format!("type = \"file\", file = \"{}/{{name}}\", dynamic = true", folder.display());
    check(stage, &file, "up", None);
    stage.until("a quarter, as the files say", |status| {
        (server(status, "web4", REAL).share - 0.25).abs() < 0.01
    });
    put("real1", "some\n");
    check(stage, &file, "down", Some("real1: expected a weight in the file"));
    fs::remove_file(folder.join("real1")).expect("it is there");
    check(stage, &file, "down", Some("real1: there is no such file"));
}

#[test]
fn a_script_for_each_server() {
    let stage = &mut up(Families::Ipv4);
    let script = |line: &str, more: &str| {
        format!("type = \"script\", shell = true, script = \"{line}\", {more}")
    };
    let own = script("test {name} = real1 -a {address} = 10.8.8.51", "user = \"root\"");
    check(stage, &own, "up", None);
    stage.until("the other one is down", |status| {
        let health = server(status, "web4", "real2").health.as_ref();
        health.is_some_and(|health| health.reason.as_deref() == Some("/bin/sh: exit code 1"))
    });
    // A weight of three beside one of one.
    let weights = script("test {name} = real1 && exit 5; exit 3", "dynamic = true");
    check(stage, &weights, "up", None);
    stage
        .until("three quarters", |status| (server(status, "web4", REAL).share - 0.75).abs() < 0.01);
    let endless = script("trap : TERM; while :; do sleep 1; done", "user = \"root\"");
    check(stage, &endless, "down", Some("/bin/sh: no end within 1s"));
}

#[test]
fn another_way_than_the_traffic() {
    let stage = &mut up(Families::Ipv4);
    let director = stage.director.namespace();
    director.ip_batch("address add 10.8.8.77/32 dev lo\n").expect("an address");
    director.ip_batch("rule add fwmark 7 unreachable\n").expect("a rule");
    let back = "route add 10.8.8.77/32 via 10.8.8.41\n";
    stage.lab.namespace(REAL).ip_batch(back).expect("a route");
    let line = agent(stage, 9999);
    say(&line, "down #{}\n");
    let from = "type = \"agent\", port = 9999, source = \"10.8.8.77\"";
    check(stage, from, "down", Some("the agent says down: 10.8.8.77"));
    let marked = "type = \"tcp\", mark = 7";
    check(stage, marked, "down", Some("network unreachable"));
    check(stage, "type = \"ping\", mark = 7", "down", Some("network unreachable"));
    check(stage, "type = \"tcp\", mark = 8", "up", None);
    let elsewhere = "type = \"tcp\", address = \"10.8.8.41\", port = 9999";
    check(stage, elsewhere, "down", Some("connection refused"));
}
