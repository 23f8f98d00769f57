//! Tunnels from a director to real servers behind a router, taken apart by `lb` on the real server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use lb_tests::lab::{Director, DirectorPaths, Families, Topology, VIP4};
use nix::sys::socket::{getsockopt, sockopt::TcpMaxSeg};
use socket2::{Domain, Socket, Type};

use crate::capture::{Capture, IN, comment, direction};
use crate::requests::assert_shares;
use crate::stage::{LIMIT, Stage, output, server};
use crate::trace::trace;

/// The real server's address behind the router, and the routers' addresses on the segment.
pub(crate) const FAR: &str = "192.0.2.51";
const ROUTERS: [&str; 2] = ["10.8.8.51", "10.8.8.52"];

/// One real server, `real1`, which is its own router.
fn prepared(more: &str) -> Stage {
    let topology = Topology::default().reals(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |config| {
        config.reals = 1;
        config.check = String::new();
        config.pool = more.to_owned();
    });
    let toml = stage.toml().replace(ROUTERS[0], FAR).replace("direct-routing", "tunnel");
    stage.director.write_config(&toml).expect("lb.toml is written");
    let far = format!("address add {FAR}/32 dev lo\n");
    stage.lab.namespace("real1").ip_batch(&far).expect("the far address");
    lead_to(&stage, ROUTERS[0]);
    stage.director.start().expect("the agent starts");
    stage.until("real1 is in the ring", |status| server(status, "web4", "real1").share > 0.9);
    stage
}

pub(crate) fn lead_to(stage: &Stage, router: &str) {
    let route = format!("route replace {FAR} via {router}\n");
    stage.director.namespace().ip_batch(&route).expect("the route");
}

/// `lb` on `real1`, which takes tunnels apart that end `at` these addresses. Started as a director, it has no services.
pub(crate) fn far_end(stage: &Stage, at: &[&str], from: &[&str]) -> Director {
    let paths = DirectorPaths::new(&stage.lab, "real1");
    fs::create_dir_all(&paths.state).expect("a folder");
    let mut end = Director::new(&stage.lab, "real1").expect("a far end");
    let toml = format!(
        "[node]\nname = \"real1\"\ninterface = \"eth0\"\nsocket = {:?}\npin_folder = {:?}\n\
         state_folder = {:?}\ndecapsulate = {at:?}\ndecapsulate_from = {from:?}\n",
        paths.socket, paths.pins, paths.state
    );
    end.write_config(&toml).expect("lb.toml is written");
    end.start().expect("the agent starts");
    end
}

fn reason(director: &Director, name: &str) -> u64 {
    let status = crate::stage::status(director);
    let found = status.reasons.iter().find(|reason| reason.reason == name);
    found.unwrap_or_else(|| panic!("no reason {name}")).packets
}

#[test]
fn packets_go_through_a_router_and_come_out_of_their_tunnel() {
    for kind in ["", "tunnel = { type = \"gue\" }\n"] {
        let stage = prepared(kind);
        assert_eq!(stage.status().warnings, [""; 0]);
        let end = far_end(&stage, &[FAR], &["10.8.8.0/24"]);
        assert_shares(&stage.ask(300), &[("real1", 1.0)]);
        assert!(reason(&end, "unpacked") > 300);

        let said = trace(&stage, "10.100.0.1:20001".parse().unwrap(), (VIP4, 80).into());
        let way = said.steps.last().unwrap();
        let from_to = format!("from 10.8.8.41 to {FAR}");
        assert!(way.contains("in a tunnel") && way.contains(&from_to), "{way}");
        assert_eq!(way.contains("GUE"), !kind.is_empty(), "{way}");
    }
}

#[test]
fn who_may_not_send_is_refused_until_a_reload_lets_it() {
    let stage = prepared("");
    let end = far_end(&stage, &[FAR], &["10.8.9.0/24"]);
    let refused = stage.requests();
    crate::stage::until(&end, "strangers are counted", |status| {
        status.reasons.iter().any(|reason| reason.reason == "stranger" && reason.packets > 0)
    });
    assert_eq!(reason(&end, "unpacked"), 0);
    refused.stop();
    let toml = fs::read_to_string(&end.paths.config).unwrap();
    end.write_config(&toml.replace("10.8.9.0/24", "10.8.8.41/32")).unwrap();
    end.lb(&["reload"]).unwrap();
    stage.ask(50);
    // Nothing is taken apart any more: the packets meet a host that knows no tunnels.
    end.write_config(&toml.replace("\"192.0.2.51\"", "").replace("\"10.8.9.0/24\"", "")).unwrap();
    end.lb(&["reload"]).unwrap();
    let (unpacked, passed) = (reason(&end, "unpacked"), reason(&end, "other_protocol"));
    let lost = stage.requests();
    crate::stage::until(&end, "packets pass", |status| {
        let mut reasons = status.reasons.iter();
        reasons.any(|reason| reason.reason == "other_protocol" && reason.packets > passed)
    });
    lost.stop();
    assert_eq!(reason(&end, "unpacked"), unpacked);
}

#[test]
fn a_route_that_changes_takes_the_tunnel_along() {
    let stage = prepared("");
    let mac = || {
        let said = trace(&stage, "10.100.0.1:20001".parse().unwrap(), (VIP4, 80).into());
        said.mac.unwrap_or_else(|| panic!("{:?}", said.steps))
    };
    let first = mac();
    let next_hop = |mac: &str| {
        stage.until("the other router", |status| {
            let hop = server(status, "web4", "real1").next_hop.as_ref();
            hop.is_some_and(|hop| hop.mac != mac)
        })
    };
    lead_to(&stage, ROUTERS[1]);
    stage.lb(&["reload"]);
    next_hop(&first);
    assert_ne!(mac(), first);
    assert!(server(&stage.status(), "web4", "real1").share > 0.9, "it was never without a way");
}

/// Bytes of an upload.
const UPLOAD: usize = 4 << 20;
/// What TCP's timestamps take of each segment.
const TIMESTAMPS: u32 = 12;

/// `lb real-server ACTION --clamp-mss MSS` on `real1`: exit code and what it printed.
fn clamp(stage: &Stage, action: &str, mss: &str) -> (Option<i32>, String) {
    let mut command = Command::new(stage.director.binary());
    let vip = VIP4.to_string();
    command.args(["real-server", action, "--vip", &vip, "--clamp-mss", mss]);
    let output = output(stage.lab.namespace("real1"), &mut command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

/// Uploads through the tunnel. Returns the MSS that the client was told, and how many of its packets the director
/// has answered with "fragmentation needed".
fn upload(stage: &Stage, listener: &TcpListener) -> (u32, u64) {
    let before = reason(&stage.director, "too_big");
    let source = stage.lab.topology().client_addresses()[0];
    let connect = || -> std::io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
        socket.connect_timeout(&SocketAddr::from((VIP4, 80)).into(), LIMIT)?;
        Ok(socket.into())
    };
    let told = thread::scope(|scope| {
        let taken = scope.spawn(|| {
            let (mut connection, _) = listener.accept().expect("a connection");
            connection.set_read_timeout(Some(LIMIT)).expect("a limit");
            let mut bytes = Vec::with_capacity(UPLOAD);
            connection.read_to_end(&mut bytes).expect("an upload")
        });
        let mut connection =
            stage.lab.client().enter(connect).expect("the client").expect("it opens");
        let told = getsockopt(&connection, TcpMaxSeg).expect("an MSS") + TIMESTAMPS;
        connection.write_all(&vec![7; UPLOAD]).expect("the upload goes on");
        drop(connection);
        assert_eq!(taken.join().expect("the server"), UPLOAD);
        told
    });
    (told, reason(&stage.director, "too_big") - before)
}

#[test]
fn a_clamped_mss_leaves_room_for_the_tunnel() {
    let mut stage = prepared("");
    let _end = far_end(&stage, &[FAR], &["10.8.8.0/24"]);
    stage.lab.stop_server("real1").expect("port 80 is free");
    let real1 = stage.lab.namespace("real1");
    let listener = real1.enter(|| TcpListener::bind((VIP4, 80))).unwrap().expect("a listener");
    let rules = || real1.run(Command::new("nft").args(["list", "ruleset"])).expect("rules");

    let (code, said) = clamp(&stage, "check", "ip");
    assert_eq!(code, Some(1), "{said}");
    for words in ["at most 1440 bytes a segment (now: no limit)", "--vip 10.8.8.40 --clamp-mss ip`"]
    {
        assert!(said.contains(words), "not a word of {words}: {said}");
    }
    assert_eq!(rules(), "", "check has changed something");
    for _ in 0..2 {
        let (code, said) = clamp(&stage, "setup", "ip");
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(
        rules().matches("maxseg").count(),
        1,
        "the second time changes nothing: {}",
        rules()
    );
    assert_eq!(clamp(&stage, "check", "ip").0, Some(0));
    assert_eq!(clamp(&stage, "check", "gue").0, Some(1));
    assert_eq!(upload(&stage, &listener), (1_440, 0));

    // Without it, the director has to say so to the client.
    let (code, said) = clamp(&stage, "setup", "none");
    assert_eq!((code, rules().as_str()), (Some(0), ""), "{said}");
    let dropped = ["--drops", "--service", "web4", "--count", "1"];
    let dropped = Capture::start(&stage, &dropped);
    let (told, too_big) = upload(&stage, &listener);
    assert_eq!(told, 1_460);
    assert!(too_big > 0, "the test itself sees packets that are too large");
    let packets = dropped.finish();
    let [packet] = packets.as_slice() else { panic!("one packet: {packets:#?}") };
    assert_eq!((direction(packet), packet.original_len > 1_480), (IN, true), "{packet:#?}");
    let why = comment(packet).expect("it says why it was dropped");
    assert!(why.starts_with("dropped: "), "{why}");
}
