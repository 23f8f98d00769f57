//! Running a script: as its user, in a process group of its own, with nothing of the agent's, and not for too long.

use std::{io, process::Stdio, sync::Arc, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, geteuid},
};
use tokio::{
    net::unix::pipe,
    process::{self, Child},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::{Instant, timeout, timeout_at},
};

use super::{Command, Ended, Outcome, Output, User, judge, tail::Tail};
use crate::agent::alive::Alive;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// Where a script finds programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is read at a time, and at most after the script has ended.
const BLOCK: usize = 4_096;
const BLOCKS_LEFT: usize = 16;

/// Runs scripts, so many at a time. Its clones are the same runner.
#[derive(Clone, Debug)]
pub struct Runner {
    turns: Arc<Semaphore>,
}

impl Runner {
    /// One that runs so many scripts at a time, at least 1; the others wait for their turn, in the order in which
    /// they have come.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    /// Runs a script to its end. When its time is over, its whole process group gets SIGTERM, and what is left of it a
    /// second later SIGKILL. What it has left running by the time it ends of its own goes on.
    ///
    /// Dropping the future is SIGKILL for the group at once.
    pub async fn run(&self, command: &Command) -> Ended {
        match self.start(command).await {
            Ok(mut running) => {
                let ended = running.ended().await;
                running.gone().await;
                ended
            }
            Err(outcome) => Ended { outcome, said: None },
        }
    }

    /// Starts a script when it is its turn, if [`judge`] has nothing against it. Its time begins now.
    ///
    /// # Errors
    /// [`Outcome::Refused`], [`Outcome::NotRun`].
    pub async fn start(&self, command: &Command) -> Result<Running, Outcome> {
        // Nobody closes it.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let (script, user) = (command.script.clone(), command.user.clone());
        // Folders may be on a slow disk, and users in a directory of the network.
        let judged = spawn_blocking(move || judge(&script, user.as_deref())).await;
        let user =
            judged.map_err(|error| Outcome::NotRun(error.into()))?.map_err(Outcome::Refused)?;
        Running::spawn(command, &user, turn).map_err(Outcome::NotRun)
    }
}

/// A script that runs. Dropped, its whole process group is killed.
#[derive(Debug)]
pub struct Running {
    group: Group,
    child: Child,
    alive: Alive,
    /// `None` where nobody listens, and once everybody has closed it.
    output: Option<pipe::Receiver>,
    tail: Tail,
    limit: Duration,
    deadline: Instant,
    _turn: Option<OwnedSemaphorePermit>,
}

/// A process group, which is killed when it is dropped. The leader is not reaped before: its number stays ours.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // All of it may have ended.
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

impl Running {
    fn spawn(
        command: &Command,
        user: &User,
        turn: Option<OwnedSemaphorePermit>,
    ) -> io::Result<Self> {
        let mut process = process::Command::new(&command.script.program);
        process.args(&command.script.arguments).current_dir("/").process_group(0);
        process.env_clear().env("PATH", PATH);
        process.envs(command.environment.iter().map(|(name, value)| (name, value)));
        process.stdin(Stdio::null());
        let output = match command.output {
            Output::LastLine => {
                let (output, input) = io::pipe()?;
                process.stdout(input.try_clone()?).stderr(input);
                Some(pipe::Receiver::from_owned_fd(output.into())?)
            }
            Output::Errors => {
                process.stdout(Stdio::null()).stderr(Stdio::inherit());
                None
            }
        };
        if geteuid().is_root() || user.uid != geteuid().as_raw() {
            // The standard library drops all other groups with it.
            process.uid(user.uid).gid(user.gid);
        }
        let child = process.spawn()?;
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        let group = Group(Some(Pid::from_raw(pid.cast_signed())));
        let (limit, deadline) = (command.timeout, Instant::now() + command.timeout);
        let (alive, tail) = (Alive::open(pid)?, Tail::default());
        // Our ends of what it writes to are closed with `process`: its end is to be the end.
        Ok(Self { group, child, alive, output, tail, limit, deadline, _turn: turn })
    }

    /// Waits for its end, or for the end of its time; then it has SIGTERM already, and [`Running::gone`] sees to the
    /// rest. What it says is read meanwhile.
    pub async fn ended(&mut self) -> Ended {
        let outcome = if timeout_at(self.deadline, self.listen()).await.is_ok() {
            // What it has left behind is its own business.
            self.group.0 = None;
            self.child.wait().await.into()
        } else {
            self.group.signal(Signal::SIGTERM);
            Outcome::TimedOut(self.limit)
        };
        Ended { outcome, said: self.tail.last_line() }
    }

    /// Waits until nothing is left of one whose time is over. One that has ended of its own is gone.
    pub async fn gone(mut self) {
        if self.group.0.is_some() {
            let _ = timeout(GRACE, self.listen()).await;
            self.group.signal(Signal::SIGKILL);
            self.group.0 = None;
            let _ = self.child.wait().await;
        }
    }

    /// Reads what it says until it has ended. It is not reaped yet.
    async fn listen(&mut self) {
        loop {
            tokio::select! {
                () = self.alive.ended() => break,
                () = readable(self.output.as_ref()) => self.read(),
            }
        }
        // Whoever it has left behind may go on writing.
        for _ in 0..BLOCKS_LEFT {
            self.read();
        }
    }

    fn read(&mut self) {
        let Some(output) = &self.output else { return };
        let mut block = [0; BLOCK];
        match output.try_read(&mut block) {
            Ok(0) => self.output = None,
            Ok(length) => self.tail.push(&block[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.output = None,
        }
    }
}

async fn readable(output: Option<&pipe::Receiver>) {
    // An error shows when it is read.
    match output {
        Some(output) => _ = output.readable().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "run_test.rs"]
mod tests;
