//! Running a script: as which user, with which environment, and for how long.

use std::{
    ffi::OsString, fmt, io, os::unix::process::ExitStatusExt as _, path::PathBuf, process::Stdio,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::{self, Gid, Pid, Uid},
};
use tokio::{process, time::timeout};

use super::safe::{Unsafe, check};

/// What a script finds in its environment, and nothing else.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(2);

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its absolute path.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// As whom it runs; `None`: as the agent's own user.
    pub user: Option<User>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    uid: Uid,
    gid: Gid,
}

/// A user that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Nobody is called that.
    #[error("there is no user `{0}` on this host")]
    Unknown(String),
    /// The list of users cannot be asked.
    #[error("user `{0}`: {1}")]
    Asking(String, Errno),
}

impl User {
    /// Looks a user up by name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, UserError> {
        match unistd::User::from_name(name) {
            Ok(Some(user)) => Ok(Self { uid: user.uid, gid: user.gid }),
            Ok(None) => Err(UserError::Unknown(name.to_owned())),
            Err(error) => Err(UserError::Asking(name.to_owned(), error)),
        }
    }
}

/// How it went.
#[derive(Debug)]
pub enum Outcome {
    /// It ended with status 0.
    Succeeded,
    /// It ended with another status.
    Failed(i32),
    /// A signal ended it.
    Killed(i32),
    /// It took longer than it may, and was ended.
    TimedOut(Duration),
    /// It must not be run.
    Refused(Unsafe),
    /// It could not be run.
    NotRun(io::Error),
}

impl Outcome {
    /// Did it do what it was to do?
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Succeeded)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(status) => write!(f, "ended with status {status}"),
            Self::Killed(signal) => write!(f, "was ended by signal {signal}"),
            Self::TimedOut(limit) => write!(f, "took longer than {limit:?}, and was ended"),
            Self::Refused(reason) => write!(f, "is not run: {reason}"),
            Self::NotRun(error) => write!(f, "cannot be run: {error}"),
        }
    }
}

/// Runs a program to its end, if [`check`] has nothing against it.
///
/// It reads nothing; what it writes to standard error goes where the agent's goes, the rest nowhere. It leads a
/// process group of its own: when its time is over, TERM goes to the whole group, and KILL after two seconds.
/// Dropping the future is KILL at once. What it has left running by the time it ends in good order goes on.
pub async fn run(command: &Command) -> Outcome {
    if let Err(reason) = check(&command.program) {
        return Outcome::Refused(reason);
    }
    let mut child = match prepare(command).spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::NotRun(error),
    };
    let mut group = Group::of(&child);
    match timeout(command.timeout, child.wait()).await {
        Ok(ended) => {
            group.leave_alone();
            outcome(ended)
        }
        Err(_) => {
            group.signal(Signal::SIGTERM);
            // Ended or not, the group is killed now: what is left of it has had its time.
            let _ = timeout(GRACE, child.wait()).await;
            drop(group);
            let _ = child.wait().await;
            Outcome::TimedOut(command.timeout)
        }
    }
}

fn prepare(command: &Command) -> process::Command {
    let mut prepared = process::Command::new(&command.program);
    prepared.args(&command.arguments).env_clear().env("PATH", PATH).current_dir("/");
    prepared.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    // Groups of the agent's user are given up with its id.
    if let Some(user) = &command.user {
        prepared.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    prepared.process_group(0);
    prepared
}

fn outcome(ended: io::Result<std::process::ExitStatus>) -> Outcome {
    match ended {
        Ok(status) if status.success() => Outcome::Succeeded,
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Outcome::Failed(code),
            (None, signal) => Outcome::Killed(signal.unwrap_or_default()),
        },
        Err(error) => Outcome::NotRun(error),
    }
}

/// The processes of one script. Killed when dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &process::Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // A group that has ended needs no signal.
            let _ = killpg(leader, signal);
        }
    }

    const fn leave_alone(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

#[cfg(test)]
#[path = "run_test.rs"]
mod tests;
