//! Runs of real programs: how they end, what they say, what they are given.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::model::ScriptCommand;

/// A line for the shell, run by whoever runs the tests.
fn script(line: &str) -> TrackScript {
    let user = nix::unistd::User::from_uid(geteuid()).unwrap().unwrap().name;
    let second = Duration::from_secs(1);
    let command = ScriptCommand::Shell(line.to_owned());
    TrackScript { command, user, interval: second, timeout: second, rise: 1, fall: 1 }
}

fn start(script: &TrackScript) -> Result<Run, String> {
    Run::start(&Name::new("test").unwrap(), script)
}

async fn run(line: &str) -> (Result<(), String>, Option<String>) {
    let mut run = start(&script(line)).unwrap();
    let result = run.ended().await;
    (result, run.said())
}

fn is_there(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn how_it_ends_and_what_it_says() {
    let cases = [
        ("exit 0", Ok(()), None),
        ("echo fine; exit 0", Ok(()), Some("fine")),
        ("echo first; echo 'no route' >&2; exit 7", Err("exit code 7"), Some("no route")),
        ("kill -9 $$", Err("killed by SIGKILL"), None),
    ];
    for (line, result, said) in cases {
        let expected = (result.map_err(str::to_owned), said.map(str::to_owned));
        assert_eq!(run(line).await, expected, "{line}");
    }
}

#[tokio::test]
async fn a_flood_of_words_does_not_stop_it() {
    let (result, said) = run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end").await;
    assert_eq!((result, said.as_deref()), (Ok(()), Some("end")));
}

#[tokio::test]
async fn it_gets_nothing_of_the_agent() {
    let environment = run("/usr/bin/env | sort | tr '\\n' ' '").await.1.unwrap();
    let names: Vec<_> = environment.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let names: Vec<_> = names.iter().map(|(name, _)| *name).filter(|name| *name != "_").collect();
    // The shell adds PWD.
    assert_eq!(names, ["LB_TRACKER", "PATH", "PWD"], "{environment}");
    // Whoever runs the tests may have left some open.
    crate::agent::descriptors::keep().unwrap();
    let open = run("ls /proc/self/fd | tr '\\n' ' '").await.1.unwrap();
    // The last is the folder that is being listed.
    assert_eq!(open, "0 1 2 3");
    assert_eq!(run("readlink /proc/self/fd/0; cat").await.1.as_deref(), Some("/dev/null"));
    assert_eq!(run("pwd").await.1.as_deref(), Some("/"));
}

#[tokio::test]
async fn it_is_its_user_and_in_no_other_group() {
    if !geteuid().is_root() {
        return;
    }
    let nobody =
        TrackScript { user: "nobody".to_owned(), ..script("id -u; echo $(id -un) $(id -G)") };
    let expected = Runner::find("nobody").unwrap();
    let mut run = start(&nobody).unwrap();
    assert_eq!(run.ended().await, Ok(()));
    assert_eq!(run.said(), Some(format!("nobody {}", expected.gid)));
}

#[tokio::test]
async fn what_does_not_end_is_ended_with_its_children() {
    // It ignores SIGTERM, and so does its child.
    let mut run = start(&script(
        "trap '' TERM; sh -c \"trap '' TERM; sleep 1000\" & echo $$ $!; wait; sleep 1000",
    ))
    .unwrap();
    // Until it has said who it is.
    while run.said().is_none_or(|said| !said.contains(' ')) {
        let _ = timeout(Duration::from_millis(20), run.ended()).await;
    }
    let said = run.said().unwrap();
    let pids: Vec<_> = said.split(' ').collect();
    assert!(pids.iter().all(|pid| is_there(pid)), "{said}");
    let begin = Instant::now();
    run.give_up().await;
    assert!(begin.elapsed() >= GRACE, "SIGKILL came before its time");
    while pids.iter().any(|pid| is_there(pid)) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_asked_to_end_before_it_is_made_to() {
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("asked");
    let line = format!(
        "trap 'touch {}; exit' TERM; echo ready; while :; do sleep 0.01; done",
        asked.display()
    );
    let mut run = start(&script(&line)).unwrap();
    while run.said().is_none() {
        let _ = timeout(Duration::from_millis(20), run.ended()).await;
    }
    run.give_up().await;
    assert!(asked.exists());
}

#[tokio::test]
async fn dropped_it_leaves_nothing_behind() {
    let mut run = start(&script("sleep 1000 & echo $!; wait")).unwrap();
    while run.said().is_none() {
        let _ = timeout(Duration::from_millis(20), run.ended()).await;
    }
    let pid = run.said().unwrap();
    drop(run);
    while is_there(&pid) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let program = |path: &str, user: &str| TrackScript {
        command: ScriptCommand::Program(path.into(), Vec::new()),
        user: user.to_owned(),
        ..script("")
    };
    let user = script("").user;
    let error = start(&program("/no/such", &user)).unwrap_err();
    assert_eq!(error, "/no: no such file or directory");
    let error = start(&program("/bin/sh", "no-such-user")).unwrap_err();
    assert_eq!(error, "there is no user `no-such-user` on this host");
}
