//! Hosts on which `lb run` cannot start: each says what is wrong and what to do, and stays as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lb_tests::lab::{Families, INTERFACE, Process, Topology};

use crate::host::{files, look, other, programs};
use crate::stage::{LIMIT, Stage, service};

fn small() -> Topology {
    Topology::default().reals(1).families(Families::Ipv4)
}

/// `lb run` with this configuration, started by `command`: it ends with exit code 1 and these words.
fn refused_by(stage: &Stage, mut command: Command, toml: &str) -> String {
    let file = stage.lab.folder().join("wrong.toml");
    fs::write(&file, toml).expect("a configuration is written");
    let log = stage.lab.folder().join("wrong.log");
    fs::write(&log, "").expect("the log is emptied");
    command.args(["run", "--config"]).arg(&file);
    let mut process =
        Process::spawn(stage.director.namespace(), &mut command, &log).expect("lb is started");
    let status = process.wait(LIMIT).expect("it refuses to start");
    let said = fs::read_to_string(&log).expect("its words");
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

pub(crate) fn refused(stage: &Stage, toml: &str) -> String {
    refused_by(stage, Command::new(stage.director.binary()), toml)
}

pub(crate) fn assert_words(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "not a word of {word}: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// The configuration of a second agent: what is not shared with the first has another name.
fn second(stage: &Stage, shared: &Path) -> String {
    let paths = &stage.director.paths;
    let mut toml = stage.toml();
    for path in [&paths.socket, &paths.pins, &paths.state] {
        if path != shared {
            toml = toml.replace(&format!("{path:?}"), &format!("{:?}", other(path)));
        }
    }
    toml
}

/// A copy of a program that every user can start.
pub(crate) fn for_everybody(program: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("lb");
    fs::copy(program, &copy).expect("the program is copied");
    for path in [folder, &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is opened");
    }
    copy
}

#[test]
fn a_host_that_does_not_fit_the_file() {
    let stage = Stage::prepared(small(), |_| {});
    let good = stage.toml();
    let elsewhere = tempfile::TempDir::with_prefix("lb-e2e-").unwrap();
    let pins = format!("{:?}", stage.director.paths.pins);
    let no_bpffs = good.replace(&pins, &format!("{:?}", elsewhere.path().join("pins")));
    let before = look(&stage);
    let tunnel = good.replace("direct-routing", "tunnel");
    let end = "[node]\ndecapsulate = [\"10.8.8.42\"]\ndecapsulate_from = [\"10.8.8.0/24\"]";
    let mixed = tunnel.replacen("\"tunnel\"", "\"direct-routing\"", 1);
    let cases: [(String, &[&str]); 7] = [
        (
            good.replace("interface = \"eth0\"", "interface = \"eth1\""),
            &["wrong.toml:3", "no interface \"eth1\"", "did you mean \"eth0\"?", "lo, eth0"],
        ),
        (
            good.replace("interface = \"eth0\"", "interface = \"lo\""),
            &["wrong.toml:3", "lo is the loopback", "Ethernet"],
        ),
        (
            good.replace("\"10.8.8.51\"", "\"192.0.2.51\""),
            &[
                "wrong.toml:",
                "real1 192.0.2.51",
                "must be in a subnet",
                "eth0 (10.8.8.0/24)",
                "tunnel",
            ],
        ),
        (
            tunnel.replace("\"10.8.8.51\"", "\"192.0.2.51\""),
            &["wrong.toml:", "real1 192.0.2.51", "no route", "eth0 (10.8.8.0/24)", "ip route add"],
        ),
        (
            // A route to it there is, but one of its services uses no tunnel.
            mixed.replace("\"10.8.8.51\"", "\"10.100.0.51\""),
            &["wrong.toml:", "real1 10.100.0.51", "must be in a subnet", "mode = \"tunnel\""],
        ),
        (
            good.replace("[node]", end),
            &["wrong.toml:2", "node.decapsulate", "10.8.8.42 is no address of this host"],
        ),
        (no_bpffs, &["pin_folder", "not on a BPF file system", "mount -t bpf bpf"]),
    ];
    for (toml, words) in cases {
        assert_words(&refused(&stage, &toml), words);
        assert_eq!(look(&stage), before, "after {words:?}");
    }
    assert_eq!(files(elsewhere.path()), [elsewhere.path()]);

    stage.director.namespace().ip_batch("link set eth0 down").unwrap();
    assert_words(&refused(&stage, &good), &["eth0 is down", "ip link set dev eth0 up"]);
}

#[test]
fn an_interface_that_somebody_else_uses() {
    let stage = Stage::prepared(small(), |_| {});
    stage.lab.occupy("director1", INTERFACE).unwrap();
    let before = look(&stage);
    let (_, program) = programs(&stage)[0].clone();
    let good = stage.toml();
    for mode in ["auto", "native", "generic"] {
        let toml = good.replace("[node]", &format!("[node]\nxdp_mode = \"{mode}\""));
        let said = refused(&stage, &toml);
        let program = format!("program (id {program})");
        assert_words(&said, &["eth0", "another XDP", &program, "bpftool net", "xdp off"]);
        assert_eq!(look(&stage), before, "{mode}");
    }
}

#[test]
fn a_second_agent() {
    let stage = Stage::up_with(small(), |_| {});
    let requests = stage.requests();
    let before = look(&stage);
    let paths = stage.director.paths.clone();
    let pid = format!("pid {}", stage.director.agent().unwrap());
    let pins = paths.pins.to_str().unwrap();
    let same = stage.toml();
    assert_words(&refused(&stage, &same), &["another agent answers on", "lb.sock"]);
    assert_eq!(look(&stage), before);
    let cases: [(&Path, &[&str]); 3] = [
        (&paths.pins, &["another agent", &pid, pins, "pin_folder"]),
        (&paths.socket, &["another agent answers on", "lb.sock", "`socket`"]),
        (Path::new(""), &["eth0", "another XDP program"]),
    ];
    for (shared, words) in cases {
        assert_words(&refused(&stage, &second(&stage, shared)), words);
        assert_eq!(look(&stage), before, "after {words:?}");
    }
    requests.await_more(200);
    requests.stop_whole();
    assert_eq!(service(&stage.status(), "web4").reals.len(), 1);
}

#[test]
fn a_user_who_is_not_root() {
    let stage = Stage::prepared(small(), |_| {});
    let before = look(&stage);
    let folder = tempfile::TempDir::with_prefix("lb-e2e-").unwrap();
    let binary = for_everybody(stage.director.binary(), folder.path());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(binary);
    let said = refused_by(&stage, command, &stage.toml());
    assert_words(&said, &["CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW", "as root"]);
    assert_eq!(look(&stage), before);
}

#[test]
fn a_kernel_that_lacks_something() {
    let stage = Stage::prepared(small(), |_| {});
    let before = look(&stage);
    let old = stage.lab.folder().join("osrelease");
    fs::write(&old, "5.10.0-28-amd64\n").unwrap();
    let old = format!("mount --bind {} /proc/sys/kernel/osrelease", old.display());
    let cases: [(&str, &[&str]); 2] = [
        ("mount -t tmpfs none /sys/kernel/btf", &["without BTF", "CONFIG_DEBUG_INFO_BTF=y"]),
        (&old, &["kernel 5.10.0-28-amd64 is too old", "6.1 or newer"]),
    ];
    for (mount, words) in cases {
        // Only the process itself sees a kernel of that kind.
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("{mount} && exec \"$0\" \"$@\"")]);
        command.arg(stage.director.binary());
        assert_words(&refused_by(&stage, command, &stage.toml()), words);
        assert_eq!(look(&stage), before, "after {words:?}");
    }
}

#[test]
fn an_interface_without_native_xdp() {
    let mut stage = Stage::prepared(small(), |_| {});
    // A bridge has no XDP of its own. It takes over eth0 with its address.
    let bridge = "address del 10.8.8.41/24 dev eth0\n\
        link add br9 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
        link set eth0 master br9\n\
        address add 10.8.8.41/24 dev br9\n\
        link set br9 up\n";
    stage.director.namespace().ip_batch(bridge).unwrap();
    let before = look(&stage);
    let on_bridge = stage.toml().replace("interface = \"eth0\"", "interface = \"br9\"");
    let native = on_bridge.replace("[node]", "[node]\nxdp_mode = \"native\"");
    let said = refused(&stage, &native);
    assert_words(&said, &["br9", "cannot run XDP natively", "xdp_mode = \"generic\"", "auto"]);
    assert_eq!(look(&stage), before);

    stage.director.write_config(&on_bridge).unwrap();
    stage.director.start().unwrap();
    let status = stage.until("real1 is in the ring", |status| {
        status.pools.iter().all(|pool| pool.servers.iter().all(|server| server.share > 0.0))
    });
    assert_eq!(status.interfaces[0].xdp_mode, "generic");
    assert!(status.interfaces[0].fell_back.is_some());
    let warned = status.warnings.iter().any(|w| w.contains("br9") && w.contains("generic"));
    assert!(warned, "{:?}", status.warnings);
    stage.ask(300);
    assert!(stage.director.terminate().unwrap().success());
    assert_eq!(look(&stage), before);
}
