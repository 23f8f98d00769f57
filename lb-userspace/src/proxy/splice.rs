//! Bytes from one socket to another without a copy, by way of a pipe of the kernel's: `splice(2)`.
//!
//! Pages of pipes are limited for each user (`pipe-user-pages-soft`): a pipe is held only while there is something in it,
//! and where there is none to be had, bytes are copied.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Bytes of a pipe.
const CAPACITY: i32 = 512 * 1024;
/// Pipes of one thread: with several threads, and two generations of workers, they are not all that a user may have.
const MOST: usize = 32;
/// Bytes that are moved at a time.
pub(super) const MOST_SPLICED: usize = CAPACITY as usize;
/// Bodies with less than that to come are copied.
pub(super) const WORTH: u64 = 64 * 1024;

/// Those of one thread.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    spare: RefCell<Vec<Ends>>,
    made: Cell<usize>,
    /// The kernel has refused one in this tick.
    refused: Cell<bool>,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Pipe {
    pipes: Rc<Pipes>,
    ends: Option<Ends>,
    /// Bytes in it.
    held: usize,
}

impl Pipes {
    /// An empty one; `None`: there is none to be had.
    pub(super) fn take(self: &Rc<Self>) -> Option<Pipe> {
        let ends = self.spare.borrow_mut().pop().or_else(|| self.make())?;
        Some(Pipe { pipes: Rc::clone(self), ends: Some(ends), held: 0 })
    }

    fn make(&self) -> Option<Ends> {
        if self.made.get() >= MOST || self.refused.get() {
            return None;
        }
        let made = open();
        match &made {
            Ok(_) => self.made.set(self.made.get() + 1),
            Err(_) => self.refused.set(true),
        }
        made.ok()
    }

    /// With each tick: there may be room again.
    pub(super) fn tick(&self) {
        self.refused.set(false);
    }
}

fn open() -> nix::Result<Ends> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    // A smaller one would not be worth its system calls.
    fcntl(&write, FcntlArg::F_SETPIPE_SZ(CAPACITY))?;
    Ok(Ends { read, write })
}

impl Drop for Pipe {
    fn drop(&mut self) {
        match self.ends.take() {
            Some(ends) if self.held == 0 => self.pipes.spare.borrow_mut().push(ends),
            // What is in it belongs to a connection that is gone.
            _ => self.pipes.made.set(self.pipes.made.get().saturating_sub(1)),
        }
    }
}

impl Pipe {
    /// Nothing is in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes in what there is, `most` bytes at most; 0 is the end. Only for one that is empty.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(ends) = &self.ends else { return Poll::Ready(Ok(0)) };
        loop {
            ready!(from.poll_read_ready(cx))?;
            let moved = from.try_io(Interest::READABLE, || {
                Ok(splice(from, None, &ends.write, None, most, flags())?)
            });
            match moved {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(length) => {
                    self.held = length;
                    return Poll::Ready(Ok(length));
                }
            }
        }
    }

    /// Passes on what is in it.
    pub(super) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        to: &TcpStream,
    ) -> Poll<io::Result<usize>> {
        let Some(ends) = &self.ends else { return Poll::Ready(Ok(0)) };
        loop {
            ready!(to.poll_write_ready(cx))?;
            let moved = to.try_io(Interest::WRITABLE, || {
                Ok(splice(&ends.read, None, to, None, self.held, flags())?)
            });
            match moved {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Err(error) => return Poll::Ready(Err(error)),
                Ok(length) => {
                    self.held = self.held.saturating_sub(length);
                    return Poll::Ready(Ok(length));
                }
            }
        }
    }
}

fn flags() -> SpliceFFlags {
    SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (one, listener.accept().await.unwrap().0)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn pipes_are_used_again_and_limited() {
        let pipes: Rc<Pipes> = Rc::default();
        let mut all: Vec<_> = std::iter::from_fn(|| pipes.take()).collect();
        assert_eq!(all.len(), MOST);
        let ((mut client, from), (to, mut server)) = (pair().await, pair().await);
        client.write_all(b"abc").await.unwrap();
        let mut pipe = all.pop().unwrap();
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from, 2)).await.unwrap(), 2);
        assert_eq!(poll_fn(|cx| pipe.poll_drain(cx, &to)).await.unwrap(), 2);
        assert!(pipe.is_empty());
        drop(pipe);
        // That one again; what is left in it goes with it, and there may be another one.
        let mut pipe = pipes.take().unwrap();
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from, 9)).await.unwrap(), 1);
        drop(pipe);
        let mut pipe = pipes.take().unwrap();
        client.write_all(b"d").await.unwrap();
        drop(client);
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from, 9)).await.unwrap(), 1);
        assert_eq!(poll_fn(|cx| pipe.poll_drain(cx, &to)).await.unwrap(), 1);
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from, 9)).await.unwrap(), 0, "the end");
        assert!(pipes.take().is_none());
        drop(to);
        let mut got = String::new();
        server.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "abd");
    }
}
