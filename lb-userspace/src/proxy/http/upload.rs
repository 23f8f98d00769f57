//! The request on its way to the server: the edited head, then the body as it comes.

use std::io;
use std::task::{Context, Poll, ready};

use super::super::transport::{Transport, poll_read, poll_write};
use crate::http::edit::write_trailers;
use crate::http::{BodyReader, Refusal, chunk_head};

/// Read of a chunked body at a time: what lies behind its end belongs to the next request and must be kept.
const CHUNKED_READ: usize = 16 * 1024;

/// One request.
#[derive(Debug)]
pub(super) struct Upload {
    /// For the server.
    out: Vec<u8>,
    sent: usize,
    body: BodyReader,
    chunked: bool,
    /// The body is over, and its end is written.
    ended: bool,
    /// A part of it has been sent and let go.
    streamed: bool,
    /// The server takes no more of it.
    broken: bool,
    /// Bytes that came behind it: the next request.
    pub(super) behind: Vec<u8>,
    /// Bytes of the body that came.
    pub(super) received: u64,
}

/// Why the rest of a request does not come.
#[derive(Debug)]
pub(super) enum NoMore {
    /// The client has closed or reset its connection.
    Gone,
    /// What it sends is no body.
    Refused(Refusal),
}

impl Upload {
    /// `head` is written already; `chunked` is how it says the body comes.
    pub(super) const fn new(head: Vec<u8>, body: BodyReader, chunked: bool) -> Self {
        Self {
            out: head,
            sent: 0,
            body,
            chunked,
            ended: false,
            streamed: false,
            broken: false,
            behind: Vec::new(),
            received: 0,
        }
    }

    /// The whole request has come.
    pub(super) const fn is_received(&self) -> bool {
        self.ended
    }

    /// The whole request has gone.
    pub(super) fn is_sent(&self) -> bool {
        self.ended && !self.broken && self.sent == self.out.len()
    }

    /// All that has come has gone: the client is waited for.
    pub(super) fn awaits_client(&self) -> bool {
        !self.ended && !self.broken && self.sent == self.out.len()
    }

    /// All of it is still there.
    pub(super) const fn is_repeatable(&self) -> bool {
        self.ended && !self.streamed
    }

    /// From its begin, on another connection.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
        self.broken = false;
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.out
    }

    /// Takes what has come of the body, and keeps what lies behind it.
    pub(super) fn take(&mut self, input: &[u8]) -> Result<(), Refusal> {
        let mut at = 0;
        while let Some(data) = self.body.next(input, &mut at)? {
            let data = &input[data];
            if self.chunked {
                let (line, length) = chunk_head(data.len());
                self.out.extend_from_slice(&line[..length]);
            }
            self.out.extend_from_slice(data);
            if self.chunked {
                self.out.extend_from_slice(b"\r\n");
            }
        }
        self.received += at as u64;
        if self.body.is_done() {
            if self.chunked {
                write_trailers(&mut self.out, self.body.trailers(), &[]);
            }
            self.ended = true;
            self.behind.extend_from_slice(&input[at..]);
        }
        Ok(())
    }

    /// Goes on as far as it can; ready when all has gone, or the server takes no more. `progress`: something has moved.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        server: &mut impl Transport,
        scratch: &mut [u8],
        progress: &mut bool,
    ) -> Poll<Result<(), NoMore>> {
        loop {
            while self.sent < self.out.len() && !self.broken {
                match ready!(poll_write(server, cx, &self.out[self.sent..])) {
                    Ok(length) => {
                        self.sent += length;
                        *progress = true;
                    }
                    // It may have answered before it closed: that is for the other direction to see.
                    Err(_) => self.broken = true,
                }
            }
            if self.ended || self.broken {
                return Poll::Ready(Ok(()));
            }
            let most = self
                .body
                .left()
                .map_or(CHUNKED_READ, |left| usize::try_from(left).unwrap_or(usize::MAX));
            let room = most.min(scratch.len());
            let input = match ready!(poll_read(client, cx, &mut scratch[..room])) {
                Ok(0) | Err(_) => return Poll::Ready(Err(NoMore::Gone)),
                Ok(length) => &scratch[..length],
            };
            *progress = true;
            self.out.clear();
            self.sent = 0;
            self.streamed = true;
            self.pass(cx, server, input).map_err(NoMore::Refused)?;
        }
    }

    /// Reads what nobody wants any more; ready at its end, with whether it came: no more than `most` bytes of it.
    pub(super) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        scratch: &mut [u8],
        most: u64,
    ) -> Poll<bool> {
        let room = CHUNKED_READ.min(scratch.len());
        while !self.ended {
            let before = self.received;
            let (Ok(length @ 1..), true) =
                (ready!(poll_read(client, cx, &mut scratch[..room])), before < most)
            else {
                return Poll::Ready(false);
            };
            if self.take(&scratch[..length]).is_err() {
                return Poll::Ready(false);
            }
            self.out.clear();
        }
        Poll::Ready(true)
    }

    /// Straight from the thread's buffer, and copied only where the server is slow.
    fn pass(
        &mut self,
        cx: &mut Context<'_>,
        server: &mut impl Transport,
        input: &[u8],
    ) -> Result<(), Refusal> {
        if self.chunked {
            return self.take(input);
        }
        let gone: Poll<io::Result<usize>> = poll_write(server, cx, input);
        self.take(input)?;
        match gone {
            Poll::Ready(Ok(length)) => self.sent = length.min(self.out.len()),
            Poll::Ready(Err(_)) => self.broken = true,
            Poll::Pending => {}
        }
        Ok(())
    }
}
