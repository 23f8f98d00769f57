//! The end of a process, noticed at once: its pidfd becomes readable.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll},
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{Interest, unix::AsyncFd};

/// A process that lived when this was made. Its number is not given to another one before it has been reaped.
#[derive(Debug)]
pub(in crate::agent) struct Alive(AsyncFd<OwnedFd>);

impl Alive {
    /// The process of this number.
    ///
    /// # Errors
    /// There is none.
    pub(in crate::agent) fn open(pid: u32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid.cast_signed()).ok_or(io::ErrorKind::InvalidInput)?;
        let fd = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "`register` is unsafe since a type may lie about its descriptor; OwnedFd does not"
        )]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Self(fd))
    }

    /// Has it ended? It may not have been reaped.
    pub(in crate::agent) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_read_ready(context).map(drop)
    }

    /// Waits until it has ended.
    pub(in crate::agent) async fn ended(&self) {
        // An error says that the runtime ends; then so does whoever waits.
        let _ = self.0.readable().await;
    }
}
