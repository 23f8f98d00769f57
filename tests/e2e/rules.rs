//! Rules of pools under real requests: backups, quorum, panic, and connections that a failed server keeps.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use lb_tests::{
    lab::{Families, Lab, Topology, VIP4},
    webhook::WebhookServer,
};
use lb_userspace::api::Status;

use crate::{
    notify::Desk,
    requests::{assert_running, assert_shares, finish},
    stage::{LIMIT, Stage, has_been_checked, pool, server},
};

/// Where a server says whether it is well, whatever its web server does.
const DOOR: u16 = 9_000;
const CHECK: &str =
    r#"{ type = "tcp", interval = "200ms", timeout = "200ms", rise = 2, fall = 2 }"#;
const THIRD: f64 = 1.0 / 3.0;

/// Takes connections at [`DOOR`] of a real server, until it is dropped.
struct Door {
    node: String,
    closed: Arc<AtomicBool>,
    porter: Option<JoinHandle<()>>,
    wake: Box<dyn Fn() + Send>,
}

impl Door {
    fn open(lab: &Lab, node: &str) -> Self {
        let namespace = lab.namespace(node);
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DOOR));
        let listener = namespace.enter(|| TcpListener::bind(address)).expect("the namespace");
        let listener = listener.expect("the door");
        let closed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closed);
        let porter = thread::spawn(move || {
            // Whoever knocks is let go at once.
            while listener.accept().is_ok() && !seen.load(Ordering::Relaxed) {}
        });
        let (lab, name) = (lab.name().to_owned(), node.to_owned());
        let wake = move || {
            let namespace = Lab::namespace_of(&lab, &name).expect("the namespace");
            let knock = || TcpStream::connect((Ipv4Addr::LOCALHOST, DOOR)).map(drop);
            namespace.enter(knock).expect("the namespace").expect("the porter");
        };
        Self { node: node.to_owned(), closed, porter: Some(porter), wake: Box::new(wake) }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        (self.wake)();
        let ended = self.porter.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()) || thread::panicking());
    }
}

/// IPv4, so many real servers in the pool, and one more that is not. Each has its door.
fn doors(reals: u8, pool_keys: &str) -> (Stage, Vec<Door>) {
    let topology = Topology::default().families(Families::Ipv4).reals(reals + 1);
    let mut stage = Stage::prepared(topology, |config| {
        config.reals = reals.into();
        config.check = CHECK.replace("{ ", &format!("{{ port = {DOOR}, "));
        config.pool = pool_keys.to_owned();
    });
    let doors = (1..=reals).map(|n| Door::open(&stage.lab, &format!("real{n}"))).collect();
    stage.director.start().expect("the agent starts");
    stage.until("every real server is well", |status| {
        let servers = &pool(status, "web4").servers;
        servers.iter().filter(|server| !server.sorry).all(has_been_checked)
    });
    (stage, doors)
}

fn close(doors: &mut Vec<Door>, node: &str) {
    doors.retain(|door| door.node != node);
}

fn is(status: &Status, name: &str, state: &str) -> bool {
    server(status, "web4", name).state == state
}

#[test]
fn a_backup_takes_over_and_gives_back() {
    let topology = Topology::default().families(Families::Ipv4).reals(3);
    let mut stage = Stage::prepared(topology, |config| config.check = CHECK.to_owned());
    let text = stage.toml().replace("name = \"real3\"", "name = \"real3\", backup = true");
    stage.director.write_config(&text).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    stage.until("the backup stands by", |status| is(status, "real3", "standby"));
    assert_shares(&stage.ask(2000), &[("real1", 0.5), ("real2", 0.5)]);
    stage.lab.stop_server("real1").expect("real1 ends");
    stage.until("one is left", |status| is(status, "real1", "down"));
    assert_shares(&stage.ask(500), &[("real2", 1.0)]);
    // What an operator takes out counts as what fails.
    stage.lb(&["backend", "drain", "web4/real2"]);
    let status = stage.until("the backup is used", |status| is(status, "real3", "up"));
    assert_eq!(pool(&status, "web4").crew, "backups");
    assert_shares(&stage.ask(500), &[("real3", 1.0)]);
    let page = stage.lb(&["status"]);
    assert!(page.contains("  backups are used: no other server is alive\n"), "{page}");
    let requests = stage.requests();
    stage.lab.start_server("real1").expect("real1 starts");
    let status = stage.until("it gives back", |status| is(status, "real3", "standby"));
    assert_eq!(
        (pool(&status, "web4").crew.as_str(), &pool(&status, "web4").odd),
        ("servers", &None)
    );
    assert_shares(&stage.ask(500), &[("real1", 1.0)]);
    requests.stop_whole();
}

#[test]
fn below_its_quorum_a_pool_is_sorry() {
    let topology = Topology::default().families(Families::Ipv4).reals(4);
    let sorry = topology.find("real4").expect("real4").addresses().find(std::net::IpAddr::is_ipv4);
    let keys =
        format!("quorum = 2\nsorry_server = {{ address = \"{}\" }}\n", sorry.expect("an address"));
    let (mut stage, mut doors) = doors(3, &keys);
    assert_shares(&stage.ask(3000), &[("real1", THIRD), ("real2", THIRD), ("real3", THIRD)]);
    let downloads = stage.downloads((VIP4, 80), "3m", &["real3"], 1);
    close(&mut doors, "real1");
    stage.until("two are left", |status| is(status, "real1", "down"));
    assert_shares(&stage.ask(1000), &[("real2", 0.5), ("real3", 0.5)]);
    close(&mut doors, "real2");
    let status = stage.until("it is closed", |status| pool(status, "web4").crew == "closed");
    let quorum = pool(&status, "web4").quorum.expect("a quorum");
    assert_eq!((quorum.needed, quorum.alive, quorum.holds), (2, 1, false));
    assert_shares(&stage.ask(500), &[("real4", 1.0)]);
    let page = stage.lb(&["status"]);
    let words = "  quorum lost: weight 1 is alive, 2 is needed; the sorry server is used\n";
    assert!(page.contains(words), "{page}");
    // real3 is alive: what it has goes on.
    finish(downloads.into_iter().filter(|download| download.server == "real3").collect());
    // The next agent knows.
    stage.director.kill9().expect("the agent dies");
    stage.director.start().expect("the next one starts");
    assert_eq!(pool(&stage.status(), "web4").crew, "closed");
    doors.push(Door::open(&stage.lab, "real2"));
    stage.until("two are back", |status| pool(status, "web4").crew == "servers");
    assert_shares(&stage.ask(1000), &[("real2", 0.5), ("real3", 0.5)]);
}

#[test]
fn in_a_panic_all_are_used() {
    // real1 does its work while its door is closed. When the panic is over it is as down as before:
    // what it is about to answer then is its own to end.
    let keys = "panic_threshold = \"60%\"\non_down = \"keep\"\n";
    let (mut stage, mut doors) = doors(3, keys);
    close(&mut doors, "real1");
    stage.until("two of three are enough", |status| is(status, "real1", "down"));
    assert_shares(&stage.ask(1000), &[("real2", 0.5), ("real3", 0.5)]);
    let requests = stage.requests();
    close(&mut doors, "real2");
    let status = stage.until("a panic", |status| pool(status, "web4").crew == "everybody");
    assert!(is(&status, "real2", "down"), "it is used, and said to be down");
    assert_shares(&stage.ask(3000), &[("real1", THIRD), ("real2", THIRD), ("real3", THIRD)]);
    let page = stage.lb(&["status"]);
    assert!(page.contains("  panic: 1 of 3 servers are alive, so all are used\n"), "{page}");
    // The maps say that all may be used; who is down is known all the same.
    stage.until("it is written down", |_| {
        let text = std::fs::read_to_string(stage.director.paths.state.join("health.json"));
        text.is_ok_and(|text| text.matches("\"10.").count() == 2)
    });
    stage.director.kill9().expect("the agent dies");
    stage.director.start().expect("the next one starts");
    let status = stage.status();
    assert!(is(&status, "real1", "down") && is(&status, "real2", "down"));
    doors.push(Door::open(&stage.lab, "real2"));
    stage.until("it is over", |status| pool(status, "web4").crew == "servers");
    assert_shares(&stage.ask(1000), &[("real2", 0.5), ("real3", 0.5)]);
    requests.stop_whole();
}

#[test]
fn a_failed_server_keeps_its_connections() {
    let (stage, mut doors) = doors(2, "on_down = \"keep\"\n");
    let downloads = stage.downloads((VIP4, 80), "3m", &["real1", "real2"], 2);
    assert_running(&downloads);
    close(&mut doors, "real1");
    let status = stage.until("real1 is down", |status| is(status, "real1", "down"));
    let down = server(&status, "web4", "real1");
    assert!(down.keeps_flows && down.share == 0.0, "{down:?}");
    assert!(stage.lb(&["status"]).contains("keeps its connections"));
    assert_running(&downloads);
    assert_shares(&stage.ask(1000), &[("real2", 1.0)]);
    finish(downloads);
}

/// In the director's own namespace.
const HOOK: ([u8; 4], u16) = ([127, 0, 0, 1], 2_580);

#[test]
fn whoever_wants_to_know_is_told() {
    let desk = Desk::new();
    let script = desk.script();
    let keys = format!(
        "quorum = 2\nnotify_up = [{script:?}, \"up\"]\nnotify_down = [{script:?}, \"down\"]\n\
         quorum_up = [{script:?}, \"quorum\"]\nquorum_down = [{script:?}, \"no quorum\"]\n\
         notify_user = \"nobody\"\nnotify_fifo = {:?}\n",
        desk.fifo()
    );
    let topology = Topology::default().families(Families::Ipv4).reals(3);
    let mut stage = Stage::prepared(topology, |config| {
        config.check = CHECK.replace("{ ", &format!("{{ port = {DOOR}, "));
        config.pool = keys;
        config.more = format!("\n[webhook]\nurl = \"http://{}/lb\"\n", SocketAddr::from(HOOK));
    });
    // One of three is down from the start: that is no transition.
    let mut doors: Vec<_> =
        ["real1", "real2"].into_iter().map(|node| Door::open(&stage.lab, node)).collect();
    stage.director.start().expect("the agent starts");
    stage.until("all have had their first result", |status| {
        pool(status, "web4").servers.iter().all(has_been_checked) && is(status, "real3", "down")
    });
    stage.lb(&["reload"]);
    close(&mut doors, "real2");
    stage.until("it is closed", |status| pool(status, "web4").crew == "closed");
    // A restart tells nothing that was told.
    desk.until("two are told", |lines| lines.len() == 2);
    stage.director.kill9().expect("the agent dies");
    stage.director.start().expect("the next one starts");
    doors.push(Door::open(&stage.lab, "real2"));
    stage.until("two are back", |status| pool(status, "web4").crew == "servers");
    desk.until("four are told", |lines| lines.len() == 4);
    let address = |status: &Status, name: &str| server(status, "web4", name).address;
    let two = address(&stage.status(), "real2");
    let expected = [
        format!("down RS web4/real2 DOWN 1 {two} connection refused"),
        "no quorum POOL web4 DOWN 1".to_owned(),
        format!("up RS web4/real2 UP 1 {two} answers"),
        "quorum POOL web4 UP 2".to_owned(),
    ];
    assert_eq!(desk.noted(), expected);
    let sent = |status: &Status| pool(status, "web4").notifications.clone();
    // Nobody is there to take the posts: they wait, and are tried again.
    let status = stage.until("a post fails", |status| sent(status).webhook.failed > 0);
    let told = sent(&status);
    assert_eq!((told.scripts.sent, told.fifo.sent), (2, 2), "since the restart: {told:?}");
    assert_eq!(server(&stage.status(), "web4", "real2").transitions, 1);
    assert!(stage.lb(&["status"]).contains("the webhook was not told"));
    let hook = WebhookServer::start(stage.director.namespace(), HOOK.into()).expect("a webhook");
    let expected = [
        format!(
            "\"kind\":\"RS\",\"name\":\"web4/real2\",\"state\":\"UP\",\"weight\":1,\"address\":\"{two}\",\"reason\":\"answers\"}}"
        ),
        "\"kind\":\"POOL\",\"name\":\"web4\",\"state\":\"UP\",\"weight\":2}".to_owned(),
    ];
    for expected in expected {
        let body = hook.next(LIMIT).expect("a post");
        assert_eq!(body, format!("{{\"director\":\"director1\",{expected}"));
    }
}

#[test]
fn who_comes_and_goes_is_held_down() {
    let damping = "damping = { changes = 2, within = \"1m\", hold = \"4s\" }\n";
    let (mut stage, mut doors) = doors(2, damping);
    for round in 0..2 {
        close(&mut doors, "real1");
        let gone = |status: &Status| !is(status, "real1", "up");
        stage.until("real1 is down", gone);
        doors.push(Door::open(&stage.lab, "real1"));
        if round == 0 {
            stage.until("real1 is up", |status| is(status, "real1", "up"));
        }
    }
    // Two changes are allowed; this is the third or the fourth.
    let status = stage.until("real1 is held down", |status| {
        let health = server(status, "web4", "real1").health.as_ref();
        is(status, "real1", "damped") && health.is_some_and(|health| health.reason.is_none())
    });
    assert!(server(&status, "web4", "real1").damped_seconds.is_some());
    assert!(stage.lb(&["status"]).contains("comes and goes: held down for "));
    assert_shares(&stage.ask(500), &[("real2", 1.0)]);
    assert_eq!(server(&status, "web4", "real1").transitions, 3, "down, up, down");
    // The next agent holds it down too, though its check finds it up.
    let written = stage.director.paths.state.join("checks.json");
    stage.until("its check is written down", |_| {
        let text = std::fs::read_to_string(&written);
        text.is_ok_and(|text| text.matches("\"state\":\"up\"").count() == 2)
    });
    stage.director.kill9().expect("the agent dies");
    stage.director.start().expect("the next one starts");
    let status = stage.status();
    assert!(is(&status, "real1", "damped"), "{status:#?}");
    let health = server(&status, "web4", "real1").health.as_ref().expect("a check");
    assert!(health.checks > 4, "{health:?}");
    assert_shares(&stage.ask(500), &[("real2", 1.0)]);
    let status = stage.until("it is let go", |status| is(status, "real1", "up"));
    assert_eq!(server(&status, "web4", "real1").transitions, 1, "up");
}
