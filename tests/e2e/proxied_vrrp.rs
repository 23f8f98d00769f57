//! The proxy on two directors that share a VIP: connections end with a takeover, and clients know it at once.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use lb_tests::http::Connection;
use lb_tests::lab::{Director, Families, INTERFACE, Topology, VIP4};

use crate::stage::{LIMIT, Stage};
use crate::track::{tracker, until};
use crate::vrrp::{FIRST, SECOND};

const PORT: u16 = 8080;

/// A service of the proxy at a VIP of VRRP; the proxy is tracked.
fn services(priority: u8) -> String {
    format!(
        "[[pool]]\nname = \"app\"\nservers = [{{ name = \"real1\", address = \"10.8.8.51:80\" }}]\n\
         [[service]]\nname = \"shop\"\naddress = \"{VIP4}\"\nports = [\"tcp/{PORT}\"]\nmode = \"http\"\npool = \"app\"\n\
         [[track]]\nname = \"proxy\"\nproxy = \"shop\"\n\
         [[vrrp]]\nname = \"v4\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\npriority = {priority}\n\
         advert_interval = \"100ms\"\naddresses = [\"{VIP4}\"]\ntrack = [\"proxy\"]\n"
    )
}

fn connect(stage: &Stage) -> Connection {
    let source = stage.lab.topology().client_addresses()[0];
    let open = || Connection::open(source, (VIP4, PORT).into(), LIMIT);
    let deadline = Instant::now() + LIMIT;
    loop {
        match stage.lab.client().enter(open).expect("the namespace") {
            Ok(connection) => return connection,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

fn ask(connection: &mut Connection) -> std::io::Result<()> {
    let head = connection.get((VIP4, PORT).into(), "/", true)?;
    connection.read_body(&mut vec![0; head.length])
}

#[test]
fn a_takeover_resets_connections_of_the_proxy() {
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |_| {});
    stage.config.more = services(150);
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the first agent starts");
    stage.config.more = services(100);
    stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
    let mut second = Director::new(&stage.lab, SECOND).expect("a second director");
    second.start().expect("the second agent starts");
    let master = until(&stage.director, "it is master", |one| one.state == "master" && one.held);
    assert_eq!(tracker(&master, "proxy").reason, "the worker serves it");
    // The backup serves, too, at an address that is not its own yet.
    let backup = until(&second, "it is backup", |one| one.state == "backup");
    assert_eq!(tracker(&backup, "proxy").reason, "the worker serves it");

    let mut connection = connect(&stage);
    ask(&mut connection).expect("an answer");
    let script = format!("link set {FIRST} down\n");
    stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    until(&second, "it has taken over", |one| one.state == "master" && one.held);
    let begin = Instant::now();
    let error = ask(&mut connection).expect_err("the new holder does not know it");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "and says so without waiting");
    let mut again = connect(&stage);
    ask(&mut again).expect("an answer of the second director");
}
