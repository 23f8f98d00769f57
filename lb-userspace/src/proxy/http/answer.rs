//! Answers of the proxy's own, and closing a connection so that they arrive.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::super::transport::{Transport, end_writing, poll_read, poll_write};
use super::session::Session;
use super::upload::Upload;
use crate::http::answer::{Asker, Content, write_answer};
use crate::http::{Status, Version};

/// How long, and how many bytes, a client may go on sending after an answer that ends its connection. Closed at once, the
/// kernel would answer those bytes with a reset, which takes the answer away.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

impl<C: Transport> Session<C> {
    /// Writes an error page.
    pub(super) fn page(
        &self,
        out: &mut Vec<u8>,
        status: Status,
        version: Version,
        head: bool,
        persists: bool,
    ) {
        let date = self.context.date();
        let asker = Asker { version, head, persists, date: &date };
        write_answer(out, status, Content::Page, &asker);
    }

    /// Sends it. Returns the bytes that went, and whether that was all.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> (u64, bool) {
        self.timer.set(self.front.settings.timeouts.client);
        let mut sent = 0;
        let done = poll_fn(|cx| {
            while sent < bytes.len() {
                match poll_write(&mut self.io, cx, &bytes[sent..]) {
                    Poll::Ready(Ok(length)) => sent += length,
                    Poll::Ready(Err(_)) => return Poll::Ready(false),
                    Poll::Pending => return self.timer.poll(cx).map(|()| false),
                }
            }
            Poll::Ready(true)
        });
        let done = done.await;
        (sent as u64, done)
    }

    /// The rest of a request that has its response already. Has all of it come? Then the next one may follow.
    pub(super) async fn drain(&mut self, upload: &mut Upload) -> bool {
        self.timer.set(LINGER);
        let most = upload.received.saturating_add(LINGER_BYTES as u64);
        let context = std::rc::Rc::clone(&self.context);
        poll_fn(|cx| {
            let mut scratch = context.scratch.borrow_mut();
            match upload.poll_drain(cx, &mut self.io, &mut scratch, most) {
                Poll::Ready(came) => Poll::Ready(came),
                Poll::Pending => self.timer.poll(cx).map(|()| false),
            }
        })
        .await
    }

    /// Lets the client read what it was told before the connection is closed.
    pub(super) async fn linger(&mut self) {
        if end_writing(&mut self.io).await.is_err() {
            return;
        }
        self.timer.set(LINGER);
        let context = std::rc::Rc::clone(&self.context);
        let mut left = LINGER_BYTES;
        poll_fn(|cx| {
            loop {
                let mut scratch = context.scratch.borrow_mut();
                match poll_read(&mut self.io, cx, &mut scratch) {
                    Poll::Ready(Ok(length @ 1..)) if length < left => left -= length,
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return self.timer.poll(cx),
                }
            }
        })
        .await;
    }
}
