//! Runs of real programs: how they end, what they say, what they are given, what is left of them.

use std::{fs, path::Path};

use tempfile::tempdir;

use super::*;
use crate::model::Script;

const LONG: Duration = Duration::from_mins(1);

/// A line for the shell, run by whoever runs the tests.
fn shell(line: &str) -> Command {
    Command {
        script: Script::shell(line.to_owned()),
        user: None,
        environment: vec![("LB_TEST", "two words".to_owned())],
        timeout: LONG,
        output: Output::LastLine,
    }
}

async fn run(command: &Command) -> (String, Option<String>) {
    let ended = Runner::new(1).run(command).await;
    (ended.outcome.to_string(), ended.said)
}

/// What the last line of it is.
async fn said(line: &str) -> Option<String> {
    run(&shell(line)).await.1
}

/// One that runs, and has said something.
async fn talking(line: &str) -> (Running, String) {
    let mut running = Runner::new(1).start(&shell(line)).await.unwrap();
    loop {
        let _ = timeout(Duration::from_millis(20), running.listen()).await;
        if let Some(said) = running.tail.last_line() {
            return (running, said);
        }
    }
}

fn is_there(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // Or only remembered by a parent that does not ask for it.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until_gone(pid: &str) {
    while is_there(pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn how_it_ends_and_what_it_says() {
    let cases = [
        ("exit 0", "exit code 0", None),
        ("echo fine; exit 0", "exit code 0", Some("fine")),
        ("echo first; echo 'no route' >&2; exit 7", "exit code 7", Some("no route")),
        ("kill -9 $$", "killed by SIGKILL", None),
    ];
    for (line, outcome, said) in cases {
        let expected = (outcome.to_owned(), said.map(str::to_owned));
        assert_eq!(run(&shell(line)).await, expected, "{line}");
    }
    let unheard = Command { output: Output::Errors, ..shell("echo fine; exit 3") };
    assert_eq!(run(&unheard).await, ("exit code 3".to_owned(), None));
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let program = |path: &str, user: Option<&str>| {
        let script = Script { program: path.into(), arguments: Vec::new() };
        Command { script, user: user.map(str::to_owned), ..shell("") }
    };
    for (command, words) in [
        (program("/no/such", None), "not run: /no: no such file or directory"),
        (program("/bin", None), "is no file"),
        (
            program("/bin/sh", Some("no-such-user")),
            "not run: there is no user `no-such-user` on this host",
        ),
    ] {
        let (outcome, _) = run(&command).await;
        assert!(outcome.contains(words), "{outcome}");
    }
    // It may be run, and nobody is there who could.
    let folder = tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, "#!/no/such/shell\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    let (outcome, _) = run(&program(path.to_str().unwrap(), None)).await;
    assert!(outcome.starts_with("cannot be started: No such file"), "{outcome}");
}

#[tokio::test]
async fn a_flood_of_words_does_not_stop_it() {
    let flood = run(&shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end")).await;
    assert_eq!(flood, ("exit code 0".to_owned(), Some("end".to_owned())));
}

#[tokio::test]
async fn it_gets_nothing_of_the_agent() {
    let environment = said("/usr/bin/env | sort | tr '\\n' ';'").await.unwrap();
    let pairs: Vec<_> = environment.split(';').filter_map(|pair| pair.split_once('=')).collect();
    // The shell adds some.
    let own = ["_", "PWD", "SHLVL"];
    let pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| !own.contains(name)).collect();
    assert_eq!(pairs, [("LB_TEST", "two words"), ("PATH", PATH)]);
    // Whoever runs the tests may have left some open.
    crate::agent::descriptors::keep().unwrap();
    let open = said("ls /proc/self/fd | tr '\\n' ' '").await.unwrap();
    // The last is the folder that is being listed.
    assert_eq!(open, "0 1 2 3");
    assert_eq!(said("readlink /proc/self/fd/0; cat").await.as_deref(), Some("/dev/null"));
    assert_eq!(said("pwd").await.as_deref(), Some("/"));
}

#[tokio::test]
async fn it_is_its_user_and_in_no_other_group() {
    if !geteuid().is_root() {
        return;
    }
    let line = shell("echo $(id -un) $(id -G)");
    let nobody = User::named("nobody").unwrap();
    for (user, expected) in
        [(Some("nobody"), format!("nobody {}", nobody.gid)), (None, "root 0".to_owned())]
    {
        let command = Command { user: user.map(str::to_owned), ..line.clone() };
        assert_eq!(run(&command).await.1, Some(expected));
    }
}

#[tokio::test]
async fn it_is_asked_to_end_before_it_is_made_to() {
    let line = "trap 'echo asked; exit' TERM; while :; do sleep 0.01; done";
    let hasty = Command { timeout: Duration::from_millis(300), ..shell(line) };
    let mut running = Runner::new(1).start(&hasty).await.unwrap();
    let ended = running.ended().await;
    assert_eq!(ended.outcome.to_string(), "no end within 300ms");
    // It has said that since.
    timeout(LONG, running.listen()).await.unwrap();
    assert_eq!(running.tail.last_line().as_deref(), Some("asked"));
    running.gone().await;
}

#[tokio::test]
async fn what_does_not_end_is_ended_with_its_children() {
    // It ignores SIGTERM, and so does its child.
    let line = "trap '' TERM; sh -c \"trap '' TERM; sleep 1000\" & echo $$ $!; wait; sleep 1000";
    let (mut running, said) = talking(line).await;
    let pids: Vec<_> = said.split(' ').collect();
    assert_eq!(pids.len(), 2, "{said}");
    assert!(pids.iter().all(|pid| is_there(pid)), "{said}");
    // Its time is over.
    running.deadline = Instant::now();
    assert!(matches!(running.ended().await.outcome, Outcome::TimedOut(_)));
    let begin = Instant::now();
    running.gone().await;
    assert!(begin.elapsed() >= GRACE, "SIGKILL came before its time");
    for pid in pids {
        until_gone(pid).await;
    }
}

#[tokio::test]
async fn dropped_it_leaves_nothing_behind() {
    let (running, pid) = talking("sleep 1000 & echo $!; wait").await;
    drop(running);
    until_gone(&pid).await;
}

#[tokio::test]
async fn what_it_leaves_running_goes_on() {
    let room = tempdir().unwrap();
    let file = room.path().join("pid");
    let line = format!("sleep 1000 > /dev/null 2>&1 & echo $! > {}", file.display());
    for output in [Output::LastLine, Output::Errors] {
        let ended = Runner::new(1).run(&Command { output, ..shell(&line) }).await;
        assert!(ended.outcome.succeeded(), "{ended:?}");
        let pid = fs::read_to_string(&file).unwrap();
        assert!(is_there(pid.trim()));
        let pid = Pid::from_raw(pid.trim().parse().unwrap());
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
    }
}

#[tokio::test]
async fn so_many_at_a_time() {
    let runner = Runner::new(2);
    let gate = tempdir().unwrap();
    let path = gate.path().join("open");
    let waits = shell(&format!("until [ -e {} ]; do sleep 0.01; done", path.display()));
    let first = runner.start(&waits).await.unwrap();
    let second = runner.start(&waits).await.unwrap();
    let mut third = Box::pin(runner.start(&waits));
    // Not before somebody has ended.
    assert!(timeout(Duration::from_millis(50), &mut third).await.is_err());
    drop(first);
    let third = timeout(LONG, third).await.unwrap().unwrap();
    fs::write(path, "").unwrap();
    for mut running in [second, third] {
        assert!(running.ended().await.outcome.succeeded());
        running.gone().await;
    }
}
