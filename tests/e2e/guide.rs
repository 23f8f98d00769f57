//! The two-router guide that keepalived's users know: the VIP is where haproxy runs.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use lb_tests::lab::{Director, Families, INTERFACE, Namespace, Process, Topology, VIP4};
use lb_userspace::api::VrrpStatus;

use crate::{
    stage::{LIMIT, Stage},
    track::{instance, tracker, until},
};

/// A process with a name of its own: namespaces share the list of processes.
struct Named {
    program: PathBuf,
    child: Option<Child>,
}

impl Named {
    fn new(folder: &Path, name: &str) -> Self {
        let program = folder.join(name);
        symlink("/bin/sleep", &program).expect("a name for sleep");
        Self { program, child: None }
    }

    fn start(&mut self) {
        let child = Command::new(&self.program).arg("1000").spawn().expect("it starts");
        self.child = Some(child);
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it has ended");
        }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Is the VIP on the interface there?
fn has_vip(namespace: &Namespace) -> bool {
    let mut ip = Command::new("ip");
    ip.args(["-brief", "address", "show", "dev", INTERFACE]);
    namespace.run(&mut ip).expect("ip answers").contains(&format!(" {VIP4}/"))
}

/// An example, with this director's places and process.
fn example(name: &str, director: &Director, process: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let text = fs::read_to_string(file).expect("the example");
    let paths = &director.paths;
    let places = format!(
        "socket = {:?}\npin_folder = {:?}\nstate_folder = {:?}\n",
        paths.socket, paths.pins, paths.state
    );
    let changes = [
        ("seed_file = \"/etc/lb/cluster.seed\"", places.as_str()),
        ("process = \"haproxy\"", &format!("process = \"{process}\"")),
        // Where the lab has its real servers.
        ("10.8.8.43", "10.8.8.51"),
        ("10.8.8.44", "10.8.8.52"),
    ];
    changes.iter().fold(text, |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from} in {name}");
        text.replace(from, to)
    })
}

/// Two directors, VRID 51, priorities 5 and 4, a password, a process that is worth 2, one VIP.
#[test]
fn the_two_router_guide() {
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |_| {});
    let folder = stage.lab.folder().to_owned();
    let mut second = Director::new(&stage.lab, "director2").expect("a second director");
    let names = [1, 2].map(|number| format!("{}-{number}-haproxy", stage.lab.name()));
    let mut proxies = [0, 1].map(|place| Named::new(&folder, &names[place]));
    proxies.iter_mut().for_each(Named::start);
    let text = example("vrrp-master.toml", &stage.director, &names[0]);
    stage.director.write_config(&text).expect("lb.toml of the first");
    let text = example("vrrp-backup.toml", &second, &names[1]);
    second.write_config(&text).expect("lb.toml of the second");
    stage.director.start().expect("the first agent starts");
    second.start().expect("the second agent starts");

    let is = |state: &'static str, priority: u8| {
        move |one: &VrrpStatus| {
            one.state == state && one.priority == priority && one.held == (state == "master")
        }
    };
    let on_first = |stage: &Stage, second: &Director| {
        until(&stage.director, "the first is master with 5 + 2", is("master", 7));
        until(second, "the second stands by with 4 + 2", is("backup", 6));
        assert!(has_vip(stage.director.namespace()) && !has_vip(second.namespace()));
    };
    on_first(&stage, &second);

    // The first one's process dies: its 5 are fewer than 4 + 2.
    proxies[0].kill();
    until(&second, "the second is master", is("master", 6));
    let first = until(&stage.director, "the first stands by", is("backup", 5));
    assert!(!has_vip(stage.director.namespace()) && has_vip(second.namespace()));
    let (status, configured) = (tracker(&first, "haproxy"), first.configured_priority);
    assert_eq!((status.state.as_str(), status.share, configured), ("down", 0, 5));
    let shown = stage.lb(&["vrrp"]);
    println!("{shown}");
    assert!(shown.contains("haproxy  down        2     +0  no process"), "{shown}");

    // It is started again.
    proxies[0].start();
    on_first(&stage, &second);
    println!("{}", stage.lb(&["vrrp"]));

    // Where neither runs, the first one is as good as before.
    proxies.iter_mut().for_each(Named::kill);
    until(&stage.director, "the first is master with 5", is("master", 5));
    until(&second, "the second stands by with 4", is("backup", 4));
}

/// keepalived's side of the guide: priority 4, and a script that is worth 2 while a file is there.
fn keepalived(stage: &Stage, file: &Path) -> Process {
    let folder = stage.lab.folder();
    let config = folder.join("keepalived.conf");
    let text = format!(
        "global_defs {{\n  script_user root\n  enable_script_security\n}}\n\
         vrrp_script haproxy {{\n  script \"/usr/bin/test -e {}\"\n  interval 1\n  weight 2\n}}\n\
         vrrp_instance site {{\n  interface {INTERFACE}\n  virtual_router_id 51\n  priority 4\n  \
         authentication {{\n    auth_type PASS\n    auth_pass s3cret\n  }}\n  \
         virtual_ipaddress {{\n    {VIP4}/24\n  }}\n  track_script {{\n    haproxy\n  }}\n}}\n",
        file.display()
    );
    fs::write(&config, text).expect("its configuration is written");
    let mut command = Command::new("keepalived");
    command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file"]).arg(&config);
    for (option, file) in [("--pid", "keepalived.pid"), ("--vrrp_pid", "vrrp.pid")] {
        command.arg(option).arg(folder.join(file));
    }
    let log = folder.join("keepalived.log");
    Process::spawn(stage.lab.namespace("director2"), &mut command, &log).expect("keepalived starts")
}

/// The other director of the guide may be one that still runs keepalived.
#[test]
fn the_guide_with_keepalived_on_the_other_side() {
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |_| {});
    let folder = stage.lab.folder().to_owned();
    let (name, theirs) = (format!("{}-1-haproxy", stage.lab.name()), folder.join("haproxy"));
    let mut ours = Named::new(&folder, &name);
    ours.start();
    fs::write(&theirs, "").expect("theirs is well");
    let text = example("vrrp-master.toml", &stage.director, &name);
    stage.director.write_config(&text).expect("lb.toml");
    let other = keepalived(&stage, &theirs);
    stage.director.start().expect("the agent starts");
    let has_vip = |node: &str| has_vip(stage.lab.namespace(node));
    let until_on = |what: &str, first: bool, priority: u8| {
        let begin = Instant::now();
        loop {
            let status = instance(&stage.director);
            let places = (has_vip("director1"), has_vip("director2"), status.priority);
            if places == (first, !first, priority) {
                return status;
            }
            let log = other.log_tail();
            assert!(begin.elapsed() < LIMIT, "{what}: {places:?}, {status:#?}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until_on("5 + 2 are more than 4 + 2", true, 7);
    ours.kill();
    let status = until_on("4 + 2 are more than 5", false, 5);
    assert_eq!(status.heard_master.map(|heard| heard.priority), Some(6));
    fs::remove_file(&theirs).expect("theirs is not well");
    until_on("5 are more than 4", true, 5);
    fs::write(&theirs, "").expect("theirs is well again");
    until_on("4 + 2 are more than 5 again", false, 5);
    ours.start();
    let status = until_on("5 + 2 are more than 4 + 2 again", true, 7);
    assert!(status.rejected.is_empty(), "{status:#?}");
}
