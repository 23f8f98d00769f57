//! Real processes, of the shell that every host has.

use std::{fs, path::Path};

use tempfile::tempdir;
use tokio::time::sleep;

use super::*;

fn shell(script: &str, timeout: Duration) -> Command {
    let arguments = ["-c".into(), script.into()].into();
    Command { program: "/bin/sh".into(), arguments, user: None, timeout }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn how_it_ended() {
    let run = async |script| run(&shell(script, LONG)).await;
    assert!(run("exit 0").await.succeeded());
    assert!(matches!(run("exit 3").await, Outcome::Failed(3)));
    assert!(matches!(run("kill -9 $$").await, Outcome::Killed(9)));
    let missing = Command { program: "/missing/program".into(), ..shell("", LONG) };
    assert!(matches!(super::run(&missing).await, Outcome::Refused(_)));
}

#[tokio::test]
async fn its_surroundings() {
    let room = tempdir().unwrap();
    let file = room.path().join("written");
    let script = format!("{{ pwd; env; cat; echo \"$0 $1\"; }} > {}", file.display());
    let mut command = shell(&script, LONG);
    command.arguments.extend(["INSTANCE".into(), "two words".into()]);
    assert!(run(&command).await.succeeded());
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with('_')).collect();
    // The shell's own; some leave it out.
    lines.retain(|line| !line.starts_with("PWD=") && !line.starts_with("SHLVL="));
    assert_eq!(lines, ["/", &format!("PATH={PATH}"), "INSTANCE two words"]);
}

/// Waits until a process has written its number.
async fn pid(file: &Path) -> Pid {
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if let Some(pid) = text.strip_suffix('\n').and_then(|line| line.parse().ok()) {
            return Pid::from_raw(pid);
        }
        sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a process is no more, or is only remembered by a parent that does not ask for it.
async fn gone(pid: Pid) {
    loop {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return };
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
        if state == Some("Z") {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_takes_too_long_is_asked_first() {
    let room = tempdir().unwrap();
    let file = room.path().join("asked");
    let script =
        format!("trap 'echo asked > {}; exit' TERM; while :; do sleep 0.01; done", file.display());
    let outcome = run(&shell(&script, Duration::from_millis(300))).await;
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome}");
    assert_eq!(fs::read_to_string(file).unwrap(), "asked\n");
}

#[tokio::test]
async fn what_does_not_listen_is_killed_with_all_it_has_begun() {
    let room = tempdir().unwrap();
    let file = room.path().join("child");
    // The grandchild does not listen either.
    let script = format!(
        "trap '' TERM; sh -c 'echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 1; done'",
        file.display()
    );
    let outcome = run(&shell(&script, Duration::from_millis(500))).await;
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome}");
    gone(pid(&file).await).await;
}

#[tokio::test]
async fn what_nobody_waits_for_is_killed() {
    let room = tempdir().unwrap();
    let file = room.path().join("pid");
    let command = shell(&format!("echo $$ > {}; while :; do sleep 1; done", file.display()), LONG);
    let pid = tokio::select! {
        outcome = run(&command) => panic!("{outcome}"),
        pid = pid(&file) => pid,
    };
    gone(pid).await;
}

#[tokio::test]
async fn what_it_leaves_running_goes_on() {
    let room = tempdir().unwrap();
    let file = room.path().join("pid");
    let script = format!("sleep 60 > /dev/null & echo $! > {}", file.display());
    assert!(run(&shell(&script, LONG)).await.succeeded());
    let pid = pid(&file).await;
    assert!(nix::sys::signal::kill(pid, None).is_ok());
    nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
}

#[test]
fn users() {
    assert_eq!(User::named("root").unwrap(), User { uid: Uid::from_raw(0), gid: Gid::from_raw(0) });
    let error = User::named("no-such-user").unwrap_err().to_string();
    assert_eq!(error, "there is no user `no-such-user` on this host");
}
