//! What the task does with a message, but for waiting: scripts are not run here.

use std::{fs::File, io::Read as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use tempfile::{TempDir, tempdir};

use super::{super::settings, *};
use crate::model::Name;

/// Two instances in a group, with what else is said of the first, and of the group.
fn configured(first: &str, group: &str) -> Settings {
    let instance = |name: &str, id: u8, more: &str| {
        format!(
            "[[vrrp]]\nname = \"{name}\"\ninterface = \"eth0\"\nvirtual_router_id = {id}\n\
             addresses = [\"10.9.9.{id}\"]\ngroup = \"router\"\n{more}\n"
        )
    };
    let group = format!("[[vrrp_group]]\nname = \"router\"\n{group}");
    read(&(instance("inside", 1, first) + &instance("outside", 2, "") + &group))
}

fn read(more: &str) -> Settings {
    let text = format!("[node]\nname = \"director-1\"\ninterface = \"eth0\"\n{more}");
    let config = crate::config::parse("lb.toml", &text).unwrap_or_else(|e| panic!("{e}")).config;
    settings(&config).unwrap()
}

fn instance(name: &str) -> Subject {
    Subject::Instance(Name::new(name).unwrap())
}

fn changed(name: &str, stance: Stance) -> Message {
    Message::Changed(Change::vrrp(instance(name), stance, 100))
}

/// A FIFO, and the key that names it.
fn fifo() -> (TempDir, String) {
    let folder = tempdir().unwrap();
    let key = format!("notify_fifo = {:?}\n", folder.path().join("fifo"));
    (folder, key)
}

fn lines(folder: &Path) -> String {
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut room = vec![0; 10_000];
    let mut fifo = options.open(folder.join("fifo")).unwrap();
    let length = fifo.read(&mut room).unwrap_or_default();
    String::from_utf8(room[..length].to_vec()).unwrap()
}

#[test]
fn too_many_scripts() {
    let mut task =
        Dispatcher::new(configured("notify = \"/bin/true\"\nnotify_master = \"/bin/true\"", ""));
    for stance in [Stance::Master, Stance::Backup].into_iter().cycle().take(SCRIPTS) {
        task.message(changed("inside", stance));
    }
    // One script for each, and another for each second.
    assert_eq!(task.scripts.len(), SCRIPTS);
    let told = &task.report[&instance("inside")];
    assert_eq!(told.scripts.dropped, SCRIPTS as u64 / 2);
    assert_eq!(told.last_problem.as_deref(), Some("/bin/true was not run: too many scripts wait"));
    // What is left is what came last.
    let mut last = None;
    while let Some(job) = task.scripts.pop() {
        last = Some(job.command);
    }
    assert_eq!(last.unwrap().script.arguments, ["INSTANCE", "inside", "BACKUP", "100"]);
}

#[test]
fn a_group_is_told_of_once() {
    let (folder, key) = fifo();
    let mut task = Dispatcher::new(configured(&key, &key));
    for (name, stance) in [
        ("inside", Stance::Backup),
        ("outside", Stance::Backup),
        ("inside", Stance::Master),
        ("outside", Stance::Master),
    ] {
        task.message(changed(name, stance));
    }
    let expected = "INSTANCE \"inside\" BACKUP 100\nGROUP \"router\" BACKUP 0\n\
                    INSTANCE \"inside\" MASTER 100\nGROUP \"router\" MASTER 0\n";
    assert_eq!(lines(folder.path()), expected);
    assert_eq!(task.report[&Subject::Group("router".parse().unwrap())].fifo.sent, 2);
}

#[test]
fn those_that_leave_are_told_of_their_end() {
    let (folder, key) = fifo();
    let mut task = Dispatcher::new(configured(&key, &key));
    task.message(Message::Configure(Box::new(read(""))));
    task.message(changed("inside", Stance::Stop));
    // It has ended: whatever comes now is about another one.
    task.message(changed("inside", Stance::Backup));
    assert_eq!(lines(folder.path()), "GROUP \"router\" STOP 0\nINSTANCE \"inside\" STOP 100\n");

    // A group that goes on, and that nobody asks about any more, has not ended.
    task.message(Message::Configure(Box::new(configured(&key, &key))));
    task.message(Message::Configure(Box::new(configured("", &key))));
    task.message(changed("inside", Stance::Backup));
    task.message(changed("outside", Stance::Backup));
    assert_eq!(lines(folder.path()), "GROUP \"router\" BACKUP 0\n");
}

#[test]
fn letters_wait_while_there_is_no_way_to_send_them() {
    let mail = "[mail]\nfrom = \"a@b.c\"\nto = [\"d@e.f\"]\nserver = \"127.0.0.1\"\n";
    let with_mail = || {
        let instance = "[[vrrp]]\nname = \"one\"\ninterface = \"eth0\"\nvirtual_router_id = 1\naddresses = [\"10.9.9.1\"]\n";
        read(&format!("{instance}{mail}"))
    };
    let mut task = Dispatcher::new(with_mail());
    task.message(changed("one", Stance::Master));
    task.message(changed("one", Stance::Backup));
    assert_eq!((task.letters.len(), task.scripts.len()), (2, 0));
    task.message(Message::Configure(Box::new(read(""))));
    task.begin();
    assert!(task.sending.is_none());
    task.message(Message::Configure(Box::new(with_mail())));
    // The first is on its way, the other waits for it.
    task.begin();
    task.begin();
    assert!(task.sending.is_some());
    assert_eq!(task.letters.len(), 1);
}

#[test]
fn real_servers_and_pools_are_told_of() {
    let (folder, key) = fifo();
    let pool = format!(
        "[[pool]]\nname = \"web\"\nquorum_down = [\"/bin/true\", \"q\"]\nnotify_down = [\"/bin/true\", \"all\"]\n\
         notify_up = [\"/bin/true\", \"all\"]\n{key}\nservers = [\n\
         {{ name = \"w1\", address = \"10.0.0.1\", notify_down = [\"/bin/true\", \"own\"] }},\n\
         {{ name = \"w2\", address = \"10.0.0.2\" }}]\n\
         [webhook]\nurl = \"http://127.0.0.1:1/\"\n"
    );
    let mut task = Dispatcher::new(read(&pool));
    let web: Name = "web".parse().unwrap();
    let change = |server: &str, stance| {
        let subject = Subject::Server { pool: web.clone(), server: server.parse().unwrap() };
        let address = "10.0.0.1".parse().unwrap();
        let news = crate::notify::ServerNews { address, reason: "why".to_owned() };
        Message::Changed(Change { subject, stance, number: 1, server: Some(news) })
    };
    task.message(change("w1", Stance::Down));
    task.message(change("w1", Stance::Up));
    task.message(change("w2", Stance::Down));
    // One that an operator has added.
    task.message(change("w3", Stance::Down));
    task.message(Message::Changed(Change::quorum(web.clone(), false, 0)));
    task.message(Message::Changed(Change::quorum(web.clone(), true, 2)));
    let mut said = Vec::new();
    while let Some(job) = task.scripts.pop() {
        said.push(job.command.script.arguments.join(" "));
    }
    let expected = [
        "own RS web/w1 DOWN 1 10.0.0.1 why",
        "all RS web/w1 UP 1 10.0.0.1 why",
        "all RS web/w2 DOWN 1 10.0.0.1 why",
        "all RS web/w3 DOWN 1 10.0.0.1 why",
        "q POOL web DOWN 0",
    ];
    assert_eq!(said, expected);
    assert_eq!(lines(folder.path()).lines().count(), 6);
    assert_eq!(task.posts.len(), 6);
    // What nobody names any more has not ended, and is not told of.
    task.message(Message::Configure(Box::new(read(""))));
    assert!(task.leaving.is_empty() && task.report.is_empty());
    task.message(change("w1", Stance::Down));
    assert!(task.scripts.is_empty());
}
