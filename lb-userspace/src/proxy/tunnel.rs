//! Bytes in both directions, unread: TCP mode, and what follows an upgrade.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;

use super::context;
use super::splice::{MOST_SPLICED, Pipe, Pipes};
use super::timers::Timer;
use super::transport::{Transport, poll_read, poll_write};

/// Read at a time: at first, and where the other side does not keep up.
const FIRST_READ: usize = 64 * 1024;
const LEAST_READ: usize = 16 * 1024;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Both sides have said that nothing follows.
    Normally,
    /// The client's connection broke.
    Client,
    /// The server's connection broke.
    Server,
    /// Both were silent for too long.
    Late,
    /// The server is down.
    Down,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Half {
    /// Read, and not taken yet.
    left: Vec<u8>,
    sent: usize,
    room: usize,
    ended: bool,
    shut: bool,
    /// Both ends are fast: bytes pass through a pipe, not through this program.
    bulk: bool,
    pipe: Option<Pipe>,
    /// Bytes that have arrived.
    pub(super) total: u64,
}

/// Reads of one turn: then it is somebody else's.
const READS: usize = 4;

enum Broken {
    Reading,
    Writing,
}

impl Half {
    /// `first` has been read already.
    pub(super) const fn new(first: Vec<u8>) -> Self {
        Self {
            left: first,
            sent: 0,
            room: FIRST_READ,
            ended: false,
            shut: false,
            bulk: false,
            pipe: None,
            total: 0,
        }
    }

    /// Goes on as far as it can; ready when it is over. An end is passed on, and the other direction goes on.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Transport,
        to: &mut impl Transport,
        (scratch, pipes): (&mut [u8], &Rc<Pipes>),
        progress: &mut bool,
    ) -> Poll<Result<(), Broken>> {
        for _ in 0..READS {
            if (self.bulk || self.pipe.is_some())
                && let (Some(from), Some(to)) = (from.plain(), to.plain())
                && let Some(mut pipe) = self.pipe.take().or_else(|| pipes.take())
            {
                let moved = self.poll_splice(cx, &mut pipe, [from, to], progress);
                self.pipe = Some(pipe).filter(|pipe| !pipe.is_empty());
                ready!(moved)?;
                continue;
            }
            while self.sent < self.left.len() {
                let length = ready!(poll_write(to, cx, &self.left[self.sent..]));
                let length = length.map_err(|_| Broken::Writing)?;
                self.sent += length;
                self.total += length as u64;
                *progress = true;
            }
            self.sent = 0;
            // Nothing is held while nothing comes.
            self.left = Vec::new();
            if self.ended {
                if !self.shut {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(|_| Broken::Writing)?;
                    self.shut = true;
                }
                return Poll::Ready(Ok(()));
            }
            let room = self.room.min(scratch.len());
            match ready!(poll_read(from, cx, &mut scratch[..room])).map_err(|_| Broken::Reading)? {
                0 => self.ended = true,
                length => {
                    *progress = true;
                    self.pass(cx, to, &scratch[..length]).map_err(|()| Broken::Writing)?;
                    self.adapt(length == room, scratch.len());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// By way of a pipe: what there is, until it is at the other side.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        [from, to]: [&TcpStream; 2],
        progress: &mut bool,
    ) -> Poll<Result<(), Broken>> {
        if pipe.is_empty() {
            let length = ready!(pipe.poll_fill(cx, from, MOST_SPLICED));
            let length = length.map_err(|_| Broken::Reading)?;
            *progress = true;
            // For little, copying costs less.
            self.bulk = length >= LEAST_READ;
            self.ended = length == 0;
        }
        while !pipe.is_empty() {
            let length = ready!(pipe.poll_drain(cx, to)).map_err(|_| Broken::Writing)?;
            self.total += length as u64;
            *progress = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Straight from the thread's buffer; what is not taken at once is kept.
    fn pass(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut impl Transport,
        bytes: &[u8],
    ) -> Result<(), ()> {
        let sent = match poll_write(to, cx, bytes) {
            Poll::Ready(result) => result.map_err(drop)?,
            Poll::Pending => 0,
        };
        self.total += sent as u64;
        self.left.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    fn adapt(&mut self, full: bool, most: usize) {
        if self.left.len() > LEAST_READ {
            self.room = (self.room / 2).max(LEAST_READ);
        } else if full {
            self.bulk = self.room == most;
            self.room = (self.room * 2).min(most);
        }
    }
}

/// Until both directions are over, one breaks, or nothing moves for so long. `halves`: to the server, and to the client.
pub(super) async fn tunnel(
    context: &Rc<context::Context>,
    timer: &Timer,
    timeout: Duration,
    client: &mut impl Transport,
    server: &mut impl Transport,
    [up, down]: [&mut Half; 2],
) -> Ended {
    timer.set(timeout);
    poll_fn(|cx| {
        let scratch = &mut *context.scratch.borrow_mut();
        let mut progress = false;
        let there = up.poll(cx, client, server, (scratch, &context.pipes), &mut progress);
        let back = down.poll(cx, server, client, (scratch, &context.pipes), &mut progress);
        match (there, back) {
            (Poll::Ready(Err(Broken::Reading)), _) | (_, Poll::Ready(Err(Broken::Writing))) => {
                return Poll::Ready(Ended::Client);
            }
            (Poll::Ready(Err(Broken::Writing)), _) | (_, Poll::Ready(Err(Broken::Reading))) => {
                return Poll::Ready(Ended::Server);
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ended::Normally),
            (Poll::Pending, _) | (_, Poll::Pending) => {}
        }
        if progress {
            timer.set(timeout);
        }
        timer.poll(cx).map(|()| Ended::Late)
    })
    .await
}
