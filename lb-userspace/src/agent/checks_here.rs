//! Checks that the agent makes by itself, as they ask nobody but this host: the probe may neither read every file nor
//! start anything.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use nix::libc::O_NONBLOCK;
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, timeout},
};

use super::{
    prober::Connection,
    script::{self, Command, Ended, Output, Runner},
};
use crate::{
    health::{
        Advice, Outcome,
        protocol::{FILE_LOOKED_AT, judge_exit, judge_file},
    },
    model::{CheckKind, FileCheck, ScriptCheck},
    probe::{self, Job, Recorder},
};

/// Words between both sides that wait.
const QUEUE: usize = 256;
/// Checks under way at a time; each has a thread while it waits for a disk.
const AT_ONCE: usize = 64;

/// Begins to make them, as they are ordered.
pub(super) fn start() -> Connection {
    let (orders, heard) = mpsc::channel(QUEUE);
    let (said, findings) = mpsc::channel(QUEUE);
    let runner = Runner::new(AT_ONCE);
    tokio::spawn(probe::run_by(heard, said, AT_ONCE, move |job, recorder| {
        check(job, runner.clone(), recorder)
    }));
    Connection { orders, findings }
}

async fn check(job: Arc<Job>, runner: Runner, recorder: Recorder) -> (Outcome, Duration) {
    let started = Instant::now();
    recorder.note(|| match &job.kind {
        CheckKind::File(check) => format!("reads {}", check.file.display()),
        CheckKind::Script(check) => {
            format!("runs {} as {}", check.script.program.display(), check.user)
        }
        other => other.to_string(),
    });
    let outcome = match &job.kind {
        CheckKind::File(check) => file(check, job.timeout).await,
        CheckKind::Script(check) => run(check, &runner, job.timeout).await,
        other => Outcome::Inconclusive(format!("the agent makes no {other} checks")),
    };
    (outcome, started.elapsed())
}

/// A script that must not be run, or cannot be, is no word about a real server.
async fn run(check: &ScriptCheck, runner: &Runner, timeout: Duration) -> Outcome {
    let command = Command {
        script: check.script.clone(),
        user: Some(check.user.clone()),
        environment: Vec::new(),
        timeout,
        output: Output::LastLine,
    };
    let Ended { outcome, said } = runner.run(&command).await;
    let said = said.map(|line| format!(" ({line})")).unwrap_or_default();
    let words = format!("{}: {outcome}{said}", check.script.program.display());
    let code = match outcome {
        script::Outcome::Exited(code) => u8::try_from(code).ok(),
        script::Outcome::Killed(_) | script::Outcome::TimedOut(_) => None,
        script::Outcome::Refused(_) | script::Outcome::NotRun(_) => {
            return Outcome::Inconclusive(words);
        }
    };
    match code.and_then(|code| judge_exit(check.dynamic, code)) {
        Some(Advice::NONE) => Outcome::Passed,
        Some(advice) => Outcome::Advised(advice),
        None => Outcome::Failed(words),
    }
}

/// A disk that hangs is no word about a real server.
async fn file(check: &FileCheck, limit: Duration) -> Outcome {
    let (path, looked_at) = (check.file.display(), check.file.clone());
    let read = timeout(limit, spawn_blocking(move || read(&looked_at))).await;
    let content = match read {
        Ok(joined) => joined.unwrap_or_else(|error| Err(error.into())),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    match content {
        Ok(content) => match judge_file(check, &content) {
            Ok(Advice::NONE) => Outcome::Passed,
            Ok(advice) => Outcome::Advised(advice),
            Err(complaint) => Outcome::Failed(format!("{path}: {complaint}")),
        },
        Err(error) if missing.contains(&error.kind()) => {
            Outcome::Failed(format!("{path}: there is no such file"))
        }
        Err(error) => Outcome::Inconclusive(format!("cannot read {path}: {error}")),
    }
}

/// Its first bytes. What is no file has none: a pipe would wait for somebody.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    file.take(FILE_LOOKED_AT).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{Script, Weight};

    async fn outcome(path: &Path, dynamic: bool) -> Outcome {
        let check = FileCheck { file: path.to_owned(), expect: None, dynamic };
        file(&check, Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web1");
        let words = format!("{}: there is no such file", path.display());
        assert_eq!(outcome(&path, false).await, Outcome::Failed(words));
        fs::write(&path, "7\n").unwrap();
        assert_eq!(outcome(&path, false).await, Outcome::Passed);
        let weight = Some(Weight::new(7).unwrap());
        let advised = Outcome::Advised(Advice { weight, ..Advice::NONE });
        assert_eq!(outcome(&path, true).await, advised);
        fs::write(&path, "x").unwrap();
        let Outcome::Failed(words) = outcome(&path, true).await else { panic!("it passed") };
        assert!(words.contains("web1: expected a weight in the file"), "{words}");
    }

    async fn exit(words: &str, user: &str, dynamic: bool) -> Outcome {
        let script = Script::shell(words.to_owned());
        let check = ScriptCheck { script, user: user.to_owned(), dynamic };
        run(&check, &Runner::new(1), Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn scripts() {
        let failed = |words: &str| Outcome::Failed(words.to_owned());
        assert_eq!(exit("exit 0", "root", false).await, Outcome::Passed);
        let words = failed("/bin/sh: exit code 3 (oh)");
        assert_eq!(exit("echo oh; exit 3", "root", false).await, words);
        let weight = Some(Weight::new(1).unwrap());
        let advised = Outcome::Advised(Advice { weight, ..Advice::NONE });
        assert_eq!(exit("exit 3", "root", true).await, advised);
        assert_eq!(exit("kill -9 $$", "root", true).await, failed("/bin/sh: killed by SIGKILL"));
        let nobody = Outcome::Inconclusive(
            "/bin/sh: not run: there is no user `no-such-user` on this host".to_owned(),
        );
        assert_eq!(exit("exit 0", "no-such-user", false).await, nobody);
    }

    #[tokio::test]
    async fn what_is_no_file_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        for path in [folder.path(), &pipe, Path::new("/dev/zero")] {
            let found = outcome(path, false).await;
            let Outcome::Inconclusive(words) = found else { panic!("{path:?}: {found:?}") };
            assert!(words.ends_with("it is no file"), "{words}");
        }
    }
}
