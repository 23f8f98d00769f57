//! Who is told of transitions: scripts in order, a FIFO, people by mail.

use std::{
    fs::{self, File},
    io::Read as _,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use lb_tests::{
    lab::{Director, Families, INTERFACE, Topology, VIP4, VIP6},
    mail::MailServer,
};
use lb_userspace::{api::VrrpStatus, cli::client::Client};
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd::{Uid, User},
};
use tempfile::TempDir;

use crate::stage::{LIMIT, RETRY_PAUSE, Stage};

const FIRST: &str = "director1";
const SECOND: &str = "director2";
/// One that every host has, and that may do nothing.
const USER: &str = "nobody";
/// In the director's own namespace.
const MAIL_SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 2_525);

/// A folder with a script that notes how it was called.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
        };
        mode(desk.folder.path(), 0o755);
        fs::write(desk.notes(), "").expect("the notes");
        mode(&desk.notes(), 0o666);
        // Slow enough for the next one to overtake it, if it could.
        let script =
            format!("#!/bin/sh\nsleep 0.05\necho \"$(id -u) $*\" >> {}\n", desk.notes().display());
        fs::write(desk.script(), script).expect("the script");
        mode(&desk.script(), 0o755);
        desk
    }

    pub(crate) fn script(&self) -> PathBuf {
        self.folder.path().join("note.sh")
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    pub(crate) fn fifo(&self) -> PathBuf {
        self.folder.path().join("fifo")
    }

    /// What the script was called with, without the user.
    pub(crate) fn noted(&self) -> Vec<String> {
        let user =
            User::from_name(USER).expect("users").map_or(Uid::from_raw(65_534), |user| user.uid);
        let text = fs::read_to_string(self.notes()).expect("the notes");
        let line = |line: &str| {
            let (id, words) = line.split_once(' ').expect("a user and words");
            assert_eq!(id, user.to_string(), "{line}");
            words.to_owned()
        };
        text.lines().map(line).collect()
    }

    /// Waits until the script has been called so.
    pub(crate) fn until(&self, what: &str, so: impl Fn(&[String]) -> bool) {
        let begin = Instant::now();
        while !so(&self.noted()) {
            assert!(begin.elapsed() < LIMIT, "{what}: {:#?}", self.noted());
            std::thread::sleep(RETRY_PAUSE);
        }
    }

    /// The keys that have the script called in each state, with this word in front.
    fn keys(&self, states: &[&str]) -> String {
        let script = self.script();
        let state = |state: &&str| format!("notify_{state} = [{script:?}, \"{state}\"]\n");
        let states: String = states.iter().map(state).collect();
        format!(
            "{states}notify = [{script:?}, \"any\"]\nnotify_user = \"{USER}\"\nnotify_fifo = {:?}\n",
            self.fifo()
        )
    }
}

/// An instance of each family; they move together.
fn instances(priority: u8, four: &str, six: &str) -> String {
    let same = format!(
        "interface = \"{INTERFACE}\"\nvirtual_router_id = 51\npriority = {priority}\n\
         advert_interval = \"100ms\"\ngroup = \"both\"\n"
    );
    format!(
        "\n[[vrrp]]\nname = \"v4\"\naddresses = [\"{VIP4}\"]\n{same}{four}\
         \n[[vrrp]]\nname = \"v6\"\naddresses = [\"fe80::51/64\", \"{VIP6}\"]\n{same}{six}"
    )
}

fn instances_of(director: &Director) -> Vec<VrrpStatus> {
    Client::new(director.paths.socket.clone()).get("/v1/vrrp").expect("the agent answers")
}

/// What `[prefix, …words]` was called with: the lines of that prefix, of that subject.
fn of(lines: &[String], prefix: &str, subject: &str) -> Vec<String> {
    let start = format!("{prefix} {subject} ");
    lines.iter().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

#[test]
fn scripts_and_lines_in_the_order_of_what_happened() {
    let desk = Desk::new();
    let topology = Topology::default().directors(2).families(Families::Both);
    let mut stage = Stage::prepared(topology, |_| {});
    let group = format!("\n[[vrrp_group]]\nname = \"both\"\n{}", desk.keys(&[]));
    let states = ["master", "backup", "fault", "stop"];
    stage.config.more = instances(150, &desk.keys(&states), &desk.keys(&[])) + &group;
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.config.more = instances(100, "", "");
    stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
    let mut second = Director::new(&stage.lab, SECOND).expect("a second director");
    stage.director.start().expect("the first agent starts");
    let is_now = |state: &str| {
        let group = format!("any GROUP both {state} 0");
        desk.until(&group, |lines| lines.last().is_some_and(|line| *line == group));
    };
    is_now("MASTER");
    // Who holds it open keeps its lines when the agent ends.
    let mut fifo = File::options().read(true).write(true).open(desk.fifo()).expect("a reader");
    second.start().expect("the second agent starts");

    // Without its link it cannot serve, and when it is there again, it takes the VIPs back.
    let connect = |state: &str| {
        let script = format!("link set {FIRST} {state}\n");
        stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    };
    connect("down");
    desk.until("FAULT", |lines| lines.iter().filter(|line| line.contains("FAULT")).count() == 3);
    connect("up");
    is_now("MASTER");
    let done = instances_of(&stage.director);
    stage.director.terminate().expect("the first agent ends");

    // The end of the agent waits for its last words.
    let noted = desk.noted();
    println!("{}", noted.join("\n"));
    let expected = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP"];
    for (subject, priority) in [("INSTANCE v4", 150), ("INSTANCE v6", 150), ("GROUP both", 0)] {
        let expected = expected.map(|state| format!("{state} {priority}"));
        assert_eq!(of(&noted, "any", subject), expected, "{subject}");
    }
    // The script of a state comes right before that of all states.
    let calls: Vec<_> =
        noted.iter().enumerate().filter(|(_, line)| !line.starts_with("any ")).collect();
    assert_eq!(calls.len(), expected.len());
    for ((index, line), state) in calls.into_iter().zip(expected) {
        assert_eq!(*line, state.to_lowercase());
        assert_eq!(noted[index + 1], format!("any INSTANCE v4 {state} 150"));
    }

    // The FIFO has kept a line for each, in the same order.
    let quoted = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let [kind, name, state, priority] = words[..] else { panic!("four words: {line}") };
        format!("{kind} \"{name}\" {state} {priority}\n")
    };
    let told = noted.iter().filter_map(|line| line.strip_prefix("any ")).map(quoted);
    let expected: String = told.collect();
    let mut room = vec![0; expected.len()];
    fifo.read_exact(&mut room).expect("lines");
    assert_eq!(String::from_utf8(room).expect("text"), expected);
    for (one, sent) in [("v4", 10), ("v6", 5)] {
        let status = done.iter().find(|status| status.name.as_str() == one).expect("an instance");
        let (counted, group) = (&status.notifications, &status.group_notifications);
        assert_eq!(counted.scripts.sent, sent, "{counted:?}");
        assert_eq!((counted.fifo.sent, group.fifo.sent, group.scripts.sent), (5, 5, 5));
        assert_eq!((counted.problems(), group.problems(), status.untold), ((0, 0), (0, 0), 0));
    }
}

#[test]
fn a_program_reads_along() {
    let desk = Desk::new();
    let mut stage = Stage::prepared(Topology::default().families(Families::Both), |_| {});
    stage.config.more = instances(100, &format!("notify_fifo = {:?}\n", desk.fifo()), "");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    assert_eq!(fs::metadata(desk.fifo()).expect("it is made").permissions().mode() & 0o777, 0o600);
    // Opened for writing too, so that the end of the agent is no end of the file.
    let mut fifo = File::options().read(true).write(true).open(desk.fifo()).expect("a reader");
    let mut read = |bytes: usize| {
        let mut room = vec![0; bytes];
        fifo.read_exact(&mut room).expect("lines");
        String::from_utf8(room).expect("text")
    };
    let expected = "INSTANCE \"v4\" BACKUP 100\nINSTANCE \"v4\" MASTER 100\n";
    assert_eq!(read(expected.len()), expected);
    stage.director.terminate().expect("the agent ends");
    let expected = "INSTANCE \"v4\" STOP 100\n";
    assert_eq!(read(expected.len()), expected);
    fcntl(&fifo, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("no waiting");
    assert!(fifo.read(&mut [0]).is_err(), "nothing is left");
}

#[test]
fn mail_waits_for_its_server() {
    let server = SocketAddr::from(MAIL_SERVER);
    let mut stage = Stage::prepared(Topology::default().families(Families::Both), |_| {});
    let mail = format!(
        "\n[mail]\nfrom = \"Director 1 <lb@example.org>\"\nto = [\"a@example.org\", \"b@example.org\"]\n\
         server = \"{server}\"\nhelo = \"lb1.example.org\"\ntimeout = \"5s\"\n"
    );
    let script = "notify_backup = [\"/bin/sh\", \"-c\", \"exit 3\"]\n";
    stage.config.more = instances(100, script, "mail = false\n") + &mail;
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    let begin = Instant::now();
    let four = || instances_of(&stage.director).into_iter().next().expect("v4");
    // Nobody takes it yet, and the VIPs do not wait for that.
    while four().notifications.mail.failed == 0 || four().state != "master" {
        assert!(begin.elapsed() < LIMIT, "{:#?}", four());
        std::thread::sleep(RETRY_PAUSE);
    }
    let shown = stage.lb(&["vrrp"]);
    let said = |line: &str| line.starts_with("  notifications: ") && line.contains(" failed");
    assert!(shown.lines().any(said), "{shown}");
    assert_eq!(four().notifications.scripts.failed, 1, "{:#?}", four());
    let mails = MailServer::start(stage.director.namespace(), server).expect("a mail server");
    for state in ["BACKUP", "MASTER"] {
        let letter = mails.next(LIMIT).expect("a letter");
        assert_eq!(letter.helo, "lb1.example.org");
        assert_eq!(letter.recipients, ["TO:<a@example.org>", "TO:<b@example.org>"]);
        let subject = format!("{FIRST}: VRRP instance v4 is {state}");
        assert_eq!(letter.header("Subject"), Some(subject.as_str()), "{letter:?}");
        assert_eq!(letter.header("From"), Some("\"Director 1\" <lb@example.org>"), "{letter:?}");
        let words = format!("On {FIRST}, VRRP instance v4 is {state} now: ");
        assert!(letter.lines.iter().any(|line| line.starts_with(&words)), "{letter:?}");
    }
    stage.director.terminate().expect("the agent ends");
    let last = mails.next(LIMIT).expect("the last letter");
    assert!(last.header("Subject").is_some_and(|subject| subject.ends_with("is STOP")), "{last:?}");
    assert!(mails.next(RETRY_PAUSE).is_err(), "one letter for each transition of v4");
}

#[test]
fn a_script_that_others_can_change() {
    let desk = Desk::new();
    let mut stage = Stage::prepared(Topology::default().families(Families::Both), |_| {});
    stage.config.more = instances(100, "", "");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    stage.config.more = instances(100, &format!("notify = {:?}\n", desk.script()), "");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(desk.script(), open).expect("permissions");
    let (_, words) = stage.lb_fails(&["reload"]);
    let config = stage.director.paths.config.display().to_string();
    let check = Command::new(stage.director.binary()).args(["check", &config]).output();
    let check = check.expect("lb check").stderr;
    for said in [words, String::from_utf8_lossy(&check).into_owned()] {
        for part in ["vrrp[0].notify", "note.sh is writable by everybody", "chmod go-w"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    stage.director.terminate().expect("the agent ends");
    let refused = stage.director.start().expect_err("it does not start");
    assert!(format!("{refused:#}").contains("writable by everybody"), "{refused:#}");
    assert!(desk.noted().is_empty());
}
