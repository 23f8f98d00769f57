//! What VRRP's priorities depend on: scripts, interfaces, files and pools. Processes are in the guide.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::lab::{Director, Families, INTERFACE, Topology, VIP4};
use lb_userspace::{
    api::{TrackerStatus, VrrpStatus},
    cli::client::Client,
};

use crate::stage::{LIMIT, Stage};

pub(crate) fn instance(director: &Director) -> VrrpStatus {
    let client = Client::new(director.paths.socket.clone());
    let mut all: Vec<VrrpStatus> = client.get("/v1/vrrp").expect("the agent answers");
    all.pop().expect("an instance")
}

pub(crate) fn tracker<'a>(status: &'a VrrpStatus, name: &str) -> &'a TrackerStatus {
    let found = status.trackers.iter().find(|tracker| tracker.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no tracker {name} in {status:#?}"))
}

/// Waits until an instance is so, and returns it.
pub(crate) fn until(
    director: &Director,
    what: &str,
    so: impl Fn(&VrrpStatus) -> bool,
) -> VrrpStatus {
    let begin = Instant::now();
    loop {
        let status = instance(director);
        if so(&status) {
            return status;
        }
        assert!(begin.elapsed() < LIMIT, "not so: {what}: {status:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A director alone, with an instance that follows these trackers.
fn alone(track: &str, trackers: impl FnOnce(&Path) -> String) -> Stage {
    let topology = Topology::default().families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |_| {});
    let folder = stage.lab.folder().to_owned();
    // Whoever runs scripts may come here.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("the lab's folder");
    stage.config.more = format!(
        "{}\n[[vrrp]]\nname = \"v4\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\npriority = 100\n\
         advert_interval = \"10ms\"\naddresses = [\"{VIP4}\"]\ntrack = {track}\n",
        trackers(&folder)
    );
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage
}

/// Writes a script that its user may run.
fn script(path: &Path, lines: &str) {
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).expect("the script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn scripts_decide_and_run_as_nobody() {
    let mut stage = alone("[\"check\", \"hangs\"]", |folder| {
        script(
            &folder.join("check"),
            &format!("echo \"$(id -un): $(cat {0})\"\ntest -s {0}", folder.join("well").display()),
        );
        script(&folder.join("hangs"), "trap '' TERM\necho hanging\nwhile :; do sleep 0.05; done");
        format!(
            "[[track]]\nname = \"check\"\nscript = [{:?}]\ninterval = \"100ms\"\ntimeout = \"20s\"\nfall = 2\n\
             [[track]]\nname = \"hangs\"\nscript = [{:?}]\ninterval = \"300ms\"\nweight = -10\n",
            folder.join("check"),
            folder.join("hangs")
        )
    });
    let folder = stage.lab.folder().to_owned();
    let (check, well) = (folder.join("check"), folder.join("well"));
    stage.director.start().expect("the agent starts");

    // Nothing is well yet, and it never was: no advertisement was sent.
    let status = until(&stage.director, "fault", |one| {
        one.state == "fault" && tracker(one, "check").state == "down"
    });
    assert_eq!((status.held, status.sent), (false, 0));
    assert_eq!(status.fault.as_deref(), Some("tracker check: exit code 1"));

    fs::write(&well, "all is well\n").expect("the file");
    let status = until(&stage.director, "master, ten less for the one that hangs", |one| {
        one.state == "master" && one.held && one.priority == 90
    });
    assert_eq!(tracker(&status, "check").said.as_deref(), Some("nobody: all is well"));
    let hangs = tracker(&status, "hangs");
    let words = (hangs.reason.as_str(), hangs.said.as_deref(), hangs.share);
    assert_eq!(words, ("no end within 300ms", Some("hanging"), -10));

    // Twice in a row is what takes it down.
    fs::remove_file(&well).expect("the file goes");
    until(&stage.director, "fault again", |one| one.state == "fault" && !one.held);
    fs::write(&well, "again\n").expect("the file");
    until(&stage.director, "master again", |one| one.state == "master" && one.held);

    // Somebody opens the script to everybody: it is not run any more, nor taken by a reload or a check.
    fs::set_permissions(&check, fs::Permissions::from_mode(0o777)).expect("its mode");
    let status = until(&stage.director, "refused", |one| one.state == "fault");
    let words = format!("{} is writable by everybody (mode 0777)", check.display());
    assert_eq!(tracker(&status, "check").reason, format!("not run: {words}"));
    let config = stage.director.paths.config.display().to_string();
    let (_, refused) = stage.lb_fails(&["reload"]);
    assert!(refused.contains(&words) && refused.contains("track[0].script"), "{refused}");
    let lb_check = Command::new(stage.director.binary()).args(["check", &config]).output();
    let lb_check = lb_check.expect("lb check");
    let refused = String::from_utf8_lossy(&lb_check.stderr);
    println!("{refused}");
    assert!(!lb_check.status.success() && refused.contains(&words), "{refused}");
    fs::set_permissions(&check, fs::Permissions::from_mode(0o755)).expect("its mode");
    until(&stage.director, "master once more", |one| one.state == "master" && one.held);

    // The end of the agent is the end of its scripts, of the one that heeds no SIGTERM, too.
    stage.director.terminate().expect("the agent ends");
    let begin = Instant::now();
    while runs(&folder.join("hangs")) {
        assert!(begin.elapsed() < LIMIT, "the script that hangs is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does a process run this script?
fn runs(script: &Path) -> bool {
    let script = script.display().to_string();
    let entries = fs::read_dir("/proc").expect("/proc");
    entries.flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.split(|&byte| byte == 0).any(|word| word == script.as_bytes()))
    })
}

#[test]
fn an_instance_waits_for_its_first_result_and_a_reload_does_not() {
    let mut stage = alone("[\"slow\"]", |folder| {
        let go = folder.join("go");
        script(
            &folder.join("slow"),
            &format!("while ! test -e {}; do sleep 0.02; done", go.display()),
        );
        format!(
            "[[track]]\nname = \"slow\"\nscript = [{:?}]\ntimeout = \"30m\"\ninterval = \"1h\"\n",
            folder.join("slow")
        )
    });
    let folder = stage.lab.folder().to_owned();
    stage.director.start().expect("the agent starts");
    let status = until(&stage.director, "it waits", |one| one.state == "fault");
    assert_eq!(status.fault.as_deref(), Some("waits for the first result of tracker slow"));
    assert_eq!((tracker(&status, "slow").state.as_str(), status.sent), ("unknown", 0));
    fs::write(folder.join("go"), "").expect("the file");
    let status = until(&stage.director, "master", |one| one.state == "master" && one.held);
    let transitions = status.transitions.len();

    // Another script of that name, which never ends: what was known holds, and nobody notices.
    fs::remove_file(folder.join("go")).expect("the file goes");
    let text = stage.toml().replace("interval = \"1h\"", "interval = \"30m\"");
    stage.director.write_config(&text).expect("lb.toml is written");
    stage.lb(&["reload"]);
    let status = instance(&stage.director);
    assert_eq!((status.state.as_str(), status.transitions.len()), ("master", transitions));
    assert_eq!(tracker(&status, "slow").state, "up");

    // A new one of which nothing is known yet: whoever is at work does not wait for it.
    let more = text.replace("track = [\"slow\"]", "track = [\"slow\", \"new\"]");
    let more = more.replace(
        "[[vrrp]]",
        "[[track]]\nname = \"new\"\nscript = \"sleep 1000\"\nshell = true\n\
        interval = \"1h\"\n[[vrrp]]",
    );
    stage.director.write_config(&more).expect("lb.toml is written");
    stage.lb(&["reload"]);
    let status = instance(&stage.director);
    assert_eq!((status.state.as_str(), status.transitions.len()), ("master", transitions));
    assert_eq!(tracker(&status, "new").state, "unknown");

    // One that it no longer has is none of its business.
    let text = text.replace("track = [\"slow\"]", "track = []");
    stage.director.write_config(&text).expect("lb.toml is written");
    stage.lb(&["reload"]);
    let status = instance(&stage.director);
    assert_eq!((status.trackers.len(), status.transitions.len()), (0, transitions));
}

#[test]
fn interfaces_files_and_pools_count() {
    let track = "[\"uplink\", \"file\", { name = \"pool\", weight = 50 }]";
    let mut stage = alone(track, |folder| {
        format!(
            "[[track]]\nname = \"uplink\"\ninterface = \"uplink0\"\n\
             [[track]]\nname = \"file\"\nfile = {:?}\ninterval = \"50ms\"\nweight = 2\n\
             [[track]]\nname = \"pool\"\npool = \"web4\"\n",
            folder.join("weight")
        )
    });
    let weight = stage.lab.folder().join("weight");
    stage.director.start().expect("the agent starts");
    let ip = |script: &str| stage.lab.namespace("director1").ip_batch(script).expect("ip");
    let status = until(&stage.director, "no uplink, no service", |one| one.state == "fault");
    assert_eq!(status.fault.as_deref(), Some("tracker uplink: uplink0 does not exist"));
    ip("link add uplink0 type veth peer name peer0\n");
    until(&stage.director, "switched off", |one| {
        one.fault.as_deref() == Some("tracker uplink: uplink0 is switched off")
    });
    ip("link set uplink0 up\n");
    until(&stage.director, "no carrier", |one| {
        one.fault.as_deref() == Some("tracker uplink: uplink0 has no carrier")
    });
    ip("link set peer0 up\n");
    until(&stage.director, "master with a pool", |one| {
        one.state == "master" && one.priority == 150
    });

    fs::write(&weight, "-15\n").expect("the file");
    until(&stage.director, "two times fifteen less", |one| one.priority == 120);
    fs::write(&weight, "-200\n").expect("the file");
    let status = until(&stage.director, "further than any priority", |one| one.state == "fault");
    assert_eq!(status.fault.as_deref(), Some("tracker file is -200"));
    fs::remove_file(&weight).expect("the file goes");
    until(&stage.director, "as without a file", |one| one.state == "master" && one.priority == 150);

    for real in ["real1", "real2"] {
        stage.lb(&["backend", "maint", &format!("web4/{real}")]);
    }
    let status = until(&stage.director, "an empty pool", |one| one.priority == 100);
    assert_eq!(tracker(&status, "pool").reason, "no real server takes new flows");
    stage.lb(&["backend", "ready", "web4/real1"]);
    until(&stage.director, "one is enough", |one| one.priority == 150);

    ip("link set uplink0 down\n");
    until(&stage.director, "the uplink is down", |one| one.state == "fault" && !one.held);
    println!("{}", stage.lb(&["vrrp"]));

    // Its own link goes and comes back: that is not all that is wrong.
    let steps = instance(&stage.director).transitions.len();
    let port = |state: &str| {
        let script = format!("link set director1 {state}\n");
        stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    };
    port("down");
    until(&stage.director, "its own link", |one| one.fault.as_deref() == Some("eth0 is down"));
    port("up");
    let status = until(&stage.director, "the uplink is still down", |one| {
        one.fault.as_deref() == Some("tracker uplink: uplink0 is switched off")
    });
    assert_eq!(status.transitions.len(), steps, "it never left its fault: {status:#?}");

    // Another one takes its name: what is tracked is a name.
    ip(
        "link del uplink0\nlink add uplink0 type veth peer name peer0\nlink set uplink0 up\nlink set peer0 up\n",
    );
    until(&stage.director, "a new uplink", |one| one.state == "master" && one.held);
}
