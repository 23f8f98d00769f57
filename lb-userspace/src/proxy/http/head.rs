//! Waiting for a request, and reading its head where it lies.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::super::transport::{Transport, poll_read};
use super::prepare::{Asking, Prepared};
use super::session::Session;
use super::{Front, Work};
use crate::http::{Refusal, RequestReader};

/// Read at a time: a head, and a small body behind it.
const READ: usize = 32 * 1024;

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// The client has closed its connection, or its time without a request is over.
    Silent,
    /// It has closed its connection in the middle of a head.
    Gone,
    /// The head took too long.
    Late,
    /// It is none.
    Refused(Refusal),
}

/// A head that has not come in one piece.
struct Partial {
    bytes: Vec<u8>,
    reader: RequestReader,
    work: Work,
}

/// When the first byte of a request came, and the request.
pub(super) type Head = (Option<Duration>, Result<(Prepared, Work), NoRequest>);

impl<C: Transport> Session<C> {
    /// The next request.
    pub(super) async fn head(&mut self) -> Head {
        let mut partial = None;
        let mut began = None;
        let timeouts = self.front.settings.timeouts;
        self.timer.set(if self.is_first { timeouts.request } else { timeouts.keep_alive });
        if !self.behind.is_empty() {
            began = Some(self.context.elapsed());
            let bytes = std::mem::take(&mut self.behind);
            if let Some(result) = self.read(&bytes, &mut partial) {
                return (began, result);
            }
            self.timer.set(timeouts.request);
        }
        let result = poll_fn(|cx| self.poll_head(cx, &mut partial, &mut began)).await;
        if let Some(Partial { work, reader, .. }) = partial {
            self.front.give_back(reader);
            self.context.give_back(work);
        }
        (began, result)
    }

    fn poll_head(
        &mut self,
        cx: &mut std::task::Context<'_>,
        partial: &mut Option<Partial>,
        began: &mut Option<Duration>,
    ) -> Poll<Result<(Prepared, Work), NoRequest>> {
        let context = std::rc::Rc::clone(&self.context);
        loop {
            let mut scratch = context.scratch.borrow_mut();
            let input = match poll_read(&mut self.io, cx, &mut scratch[..READ]) {
                Poll::Ready(Ok(length @ 1..)) => &scratch[..length],
                Poll::Ready(Ok(0) | Err(_)) => {
                    let silent = partial.is_none();
                    let why = if silent { NoRequest::Silent } else { NoRequest::Gone };
                    return Poll::Ready(Err(why));
                }
                Poll::Pending => {
                    let why = if partial.is_none() { NoRequest::Silent } else { NoRequest::Late };
                    return self.timer.poll(cx).map(|()| Err(why));
                }
            };
            if began.is_none() {
                *began = Some(context.elapsed());
            }
            let first = partial.is_none();
            if let Some(result) = self.read(input, partial) {
                return Poll::Ready(result);
            }
            if first && !self.is_first {
                self.timer.set(self.front.settings.timeouts.request);
            }
        }
    }

    /// Takes what has come. `None`: the head goes on.
    fn read(
        &mut self,
        input: &[u8],
        partial: &mut Option<Partial>,
    ) -> Option<Result<(Prepared, Work), NoRequest>> {
        let (mut reader, mut work, joined) = match partial.take() {
            None => (self.front.take_reader(), self.context.take_work(), None),
            Some(Partial { mut bytes, reader, work }) => {
                bytes.extend_from_slice(input);
                (reader, work, Some(bytes))
            }
        };
        let bytes = joined.as_deref().unwrap_or(input);
        let result = match reader.read(bytes) {
            Ok(None) => {
                let bytes = joined.unwrap_or_else(|| input.to_vec());
                *partial = Some(Partial { bytes, reader, work });
                return None;
            }
            Ok(Some(request)) => {
                let asking = Asking {
                    context: &self.context,
                    front: &self.front,
                    client: self.addresses[0],
                    secure: self.tls.is_some(),
                    sni: self.tls.as_ref().and_then(|tls| tls.sni.as_deref()),
                };
                let (head, behind) = bytes.split_at(request.length);
                asking.prepare(&request, head, behind, &mut work)
            }
            Err(refusal) => Err(refusal),
        };
        Front::give_back(&self.front, reader);
        Some(match result {
            Ok(prepared) => Ok((prepared, work)),
            Err(refusal) => {
                self.context.give_back(work);
                Err(NoRequest::Refused(refusal))
            }
        })
    }
}
