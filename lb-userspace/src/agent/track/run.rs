//! One run of a script: as its user, in a process group of its own, with nothing of the agent's.

use std::{io, os::unix::process::ExitStatusExt as _, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, geteuid},
};
use tokio::{
    net::unix::pipe,
    process::{Child, Command},
    time::timeout,
};

use super::{alive::Alive, tail::Tail};
use crate::{
    model::{Name, TrackScript},
    script_file::Runner,
};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// Where a script finds programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is read at a time, and at most after the script has ended.
const BLOCK: usize = 4_096;
const BLOCKS_LEFT: usize = 16;

/// A script that runs.
#[derive(Debug)]
pub(super) struct Run {
    group: Group,
    child: Child,
    alive: Alive,
    /// `None` once everybody has closed it.
    output: Option<pipe::Receiver>,
    tail: Tail,
}

/// Its process group, which is killed when it is dropped. The leader is not reaped before: its number stays ours.
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

impl Run {
    /// Starts it, if nobody but its user and root can change it.
    ///
    /// # Errors
    /// Why not, for people.
    pub(super) fn start(name: &Name, script: &TrackScript) -> Result<Self, String> {
        let runner = Runner::find(&script.user).map_err(|error| error.to_string())?;
        let (program, arguments) = script.command.parts();
        runner.check(&program).map_err(|error| error.to_string())?;
        Self::spawn(name, Command::new(program).args(arguments), &runner)
            .map_err(|error| format!("cannot be started: {error}"))
    }

    fn spawn(name: &Name, command: &mut Command, runner: &Runner) -> io::Result<Self> {
        let (output, input) = io::pipe()?;
        command
            .env_clear()
            .env("PATH", PATH)
            .env("LB_TRACKER", name.as_str())
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input);
        if runner.uid != geteuid().as_raw() || runner.uid == 0 {
            // The standard library drops all other groups with it.
            command.uid(runner.uid).gid(runner.gid);
        }
        let child = command.spawn()?;
        // Our ends of what it writes to: its end is to be the end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        let group = Group(Some(Pid::from_raw(pid.cast_signed())));
        let output = Some(pipe::Receiver::from_owned_fd(output.into())?);
        Ok(Self { group, alive: Alive::open(pid)?, child, output, tail: Tail::default() })
    }

    /// Waits for its end, and reads what it says meanwhile.
    ///
    /// # Errors
    /// It failed: how, for people.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
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
        // What it has left behind is its own business.
        self.group.0 = None;
        let status = self.child.wait().await.map_err(|error| error.to_string())?;
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => Err(format!("exit code {code}")),
            (None, Some(number)) => Err(match Signal::try_from(number) {
                Ok(signal) => format!("killed by {signal}"),
                Err(_) => format!("killed by signal {number}"),
            }),
            (None, None) => Err("ended without a reason".to_owned()),
        }
    }

    /// Ends the whole group: SIGTERM, and SIGKILL for what is left of it.
    pub(super) async fn give_up(mut self) {
        self.group.signal(Signal::SIGTERM);
        let _ = timeout(GRACE, self.alive.ended()).await;
        self.group.signal(Signal::SIGKILL);
        self.group.0 = None;
        let _ = self.child.wait().await;
    }

    /// The last line that it has said.
    pub(super) fn said(&self) -> Option<String> {
        self.tail.last_line()
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
