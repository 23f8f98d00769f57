//! A process that the supervisor has started.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    process::{self, ExitStatus},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::ipc::{Ending, Packets};

/// This program, whatever has become of its file since.
const OURSELVES: &str = "/proc/self/exe";

/// A process, and what tells its end.
#[derive(Debug)]
pub(super) struct Child {
    child: process::Child,
    pidfd: OwnedFd,
}

impl Child {
    /// Starts this program with other arguments, in a process group of its own: what a terminal says is for the
    /// supervisor alone. It finds the socket in the place of its standard input.
    pub(super) fn start(name: &str, arguments: &[OsString], socket: Packets) -> io::Result<Self> {
        let mut child = process::Command::new(OURSELVES)
            .arg0(name)
            .args(arguments)
            .stdin(OwnedFd::from(socket))
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(pidfd) => Ok(Self { child, pidfd }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal. One that has just ended hears nothing.
    pub(super) fn signal(&self, signal: Signal) {
        _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<Ending> {
        self.child.try_wait().ok().flatten().map(ending)
    }
}

impl AsFd for Child {
    /// Readable when it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn ending(status: ExitStatus) -> Ending {
    let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(small(code)),
        (None, signal) => Ending::Killed(small(signal.unwrap_or_default())),
    }
}
