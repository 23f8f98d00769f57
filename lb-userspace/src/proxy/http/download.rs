//! The response on its way to the client: heads first, then the body.

use std::task::{Context, Poll, ready};

use tokio::net::TcpStream;

use super::super::splice::{MOST_SPLICED, Pipe, WORTH};
use super::super::transport::{Transport, poll_read, poll_write, poll_write_both, poll_write_last};
use super::told::Told;
use crate::http::connection::{Delivery, Options, server_persists};
use crate::http::edit::{ResponseEdits, write_interim, write_response, write_trailers};
use crate::http::framing;
use crate::http::{
    BodyReader, Limits, Method, Refusal, Response, ResponseReader, Status, Version, chunk_head,
};

/// Heads of `1xx` before the final one.
const MOST_INTERIM: u8 = 16;
/// A body, or a part of one, that is copied behind its head: one write instead of two parts in it.
const SMALL: usize = 16 * 1024;
/// Read at a time: at first, and for a client that does not keep up.
const FIRST_READ: usize = 32 * 1024;
const LEAST_READ: usize = 16 * 1024;

/// Reads of one turn: then it is somebody else's.
const READS: usize = 4;

/// One response.
#[derive(Debug)]
pub(super) struct Download {
    phase: Phase,
    /// For the client.
    out: Vec<u8>,
    sent: usize,
    /// What is on its way without having been read.
    pipe: Option<Pipe>,
    /// Bytes that are read at a time.
    room: usize,
    delivery: Delivery,
    interims: u8,
    /// A byte has come from the server.
    pub(super) heard: bool,
    /// The final head has been written.
    pub(super) status: Option<Status>,
    pub(super) server_persists: bool,
    /// The head says so to the client.
    pub(super) client_persists: bool,
    /// It is over, and has gone.
    complete: bool,
    /// Bytes came behind it.
    pub(super) unasked: bool,
    /// Bytes that the client got.
    pub(super) total: u64,
}

#[derive(Debug)]
enum Phase {
    Head(Option<Box<Partial>>),
    Body(BodyReader),
    Over,
    /// From here on it is another protocol.
    Switched,
}

/// A head that has not come in one piece.
#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    reader: ResponseReader,
}

/// Why the rest of a response does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The client has closed or reset its connection.
    Client,
    /// The server has closed or reset its connection.
    Server,
    /// What it sends is no response.
    Refused(Refusal),
}

impl Download {
    pub(super) const fn new(out: Vec<u8>) -> Self {
        Self {
            phase: Phase::Head(None),
            out,
            sent: 0,
            pipe: None,
            room: FIRST_READ,
            delivery: Delivery::AsDeclared,
            interims: 0,
            heard: false,
            status: None,
            server_persists: false,
            client_persists: false,
            complete: false,
            unasked: false,
            total: 0,
        }
    }

    /// All of it has gone.
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Nothing comes of it after all. Where the client has not heard a byte of it, it has not begun.
    pub(super) const fn take_back(&mut self) {
        if self.total == 0 {
            self.status = None;
        }
    }

    /// The client speaks another protocol with the server from here on.
    pub(super) const fn is_switched(&self) -> bool {
        matches!(self.phase, Phase::Switched)
    }

    /// The client has not taken everything yet.
    pub(super) const fn awaits_client(&self) -> bool {
        self.sent < self.out.len() || self.pipe.is_some()
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.out
    }

    /// Goes on as far as it can; ready when the response is over and gone.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        server: &mut impl Transport,
        scratch: &mut [u8],
        told: &Told<'_>,
    ) -> Poll<Result<(), Failed>> {
        for _ in 0..READS {
            while self.sent < self.out.len() {
                let rest = &self.out[self.sent..];
                let ends = matches!(self.phase, Phase::Over) && !self.client_persists;
                let length = ready!(if ends && told.received.get() {
                    poll_write_last(client, cx, rest)
                } else {
                    poll_write(client, cx, rest)
                });
                self.moved(length.map_err(|_| Failed::Client)?, told);
            }
            self.out.clear();
            self.sent = 0;
            if let (Some(client), Some(server)) = (client.plain(), server.plain())
                && let Some(mut pipe) = self.pipe(told)
            {
                let moved = self.poll_splice(cx, &mut pipe, [client, server], told);
                self.pipe = Some(pipe).filter(|pipe| !pipe.is_empty());
                ready!(moved)?;
                continue;
            }
            if matches!(self.phase, Phase::Over | Phase::Switched) {
                self.complete = matches!(self.phase, Phase::Over);
                return Poll::Ready(Ok(()));
            }
            let room = self.room.min(scratch.len());
            match ready!(poll_read(server, cx, &mut scratch[..room])) {
                Ok(length @ 1..) => {
                    self.heard = true;
                    told.progress.set(true);
                    self.take(cx, client, &scratch[..length], told)?;
                    self.adapt(length == room, scratch.len());
                }
                Ok(0) => self.closed()?,
                Err(_) => return Poll::Ready(Err(Failed::Server)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One for what follows: there is something in it, or enough is still to come of a body that is passed on as it is.
    fn pipe(&mut self, told: &Told<'_>) -> Option<Pipe> {
        let worth = || {
            let Phase::Body(reader) = &self.phase else { return false };
            self.delivery == Delivery::AsDeclared && reader.left().is_some_and(|left| left >= WORTH)
        };
        if self.pipe.is_none() && !worth() {
            return None;
        }
        self.pipe.take().or_else(|| told.pipes.take())
    }

    /// By way of a pipe: what there is, until the client has it.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        [client, server]: [&TcpStream; 2],
        told: &Told<'_>,
    ) -> Poll<Result<(), Failed>> {
        if pipe.is_empty()
            && let Phase::Body(reader) = &mut self.phase
        {
            let left = reader.left().and_then(|left| usize::try_from(left).ok());
            let most = left.map_or(MOST_SPLICED, |left| left.min(MOST_SPLICED));
            match ready!(pipe.poll_fill(cx, server, most)) {
                Ok(length @ 1..) => {
                    reader.pass(length as u64);
                    if reader.is_done() {
                        self.phase = Phase::Over;
                    }
                    told.progress.set(true);
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(Failed::Server)),
            }
        }
        while !pipe.is_empty() {
            let length = ready!(pipe.poll_drain(cx, client)).map_err(|_| Failed::Client)?;
            self.total += length as u64;
            told.progress.set(true);
        }
        Poll::Ready(Ok(()))
    }

    fn moved(&mut self, length: usize, told: &Told<'_>) {
        self.sent += length;
        self.total += length as u64;
        told.progress.set(true);
    }

    /// More at a time where both sides are fast; less where the rest must be kept.
    fn adapt(&mut self, full: bool, most: usize) {
        if self.out.len() - self.sent > SMALL {
            self.room = (self.room / 2).max(LEAST_READ);
        } else if full {
            self.room = (self.room * 2).min(most);
        }
    }

    fn take(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        input: &[u8],
        told: &Told<'_>,
    ) -> Result<(), Failed> {
        let Phase::Head(partial) = &mut self.phase else {
            return self.body(cx, client, input, 0, told);
        };
        if let Some(mut partial) = partial.take() {
            partial.bytes.extend_from_slice(input);
            let Partial { bytes, reader } = &mut *partial;
            let (at, complete) = self.heads(bytes, reader, told).map_err(Failed::Refused)?;
            if complete {
                return self.body(cx, client, &partial.bytes, at, told);
            }
            partial.bytes.drain(..at);
            self.phase = Phase::Head(Some(partial));
            return Ok(());
        }
        let mut reader = told.reader.borrow_mut();
        let heads = self.heads(input, &mut reader, told);
        if let Ok((at, false)) = heads {
            let reader = std::mem::take(&mut *reader);
            let bytes = input[at..].to_vec();
            self.phase = Phase::Head(Some(Box::new(Partial { bytes, reader })));
            return Ok(());
        }
        reader.reset();
        drop(reader);
        let (at, _) = heads.map_err(Failed::Refused)?;
        self.body(cx, client, input, at, told)
    }

    /// Reads heads up to the final one. Returns how many bytes they have, and whether that was among them.
    fn heads(
        &mut self,
        bytes: &[u8],
        reader: &mut ResponseReader,
        told: &Told<'_>,
    ) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        loop {
            let Some(response) = reader.read(&bytes[at..])? else { return Ok((at, false)) };
            at += response.length;
            let is_final = self.head(&response, told)?;
            reader.reset();
            if is_final {
                return Ok((at, true));
            }
        }
    }

    /// Writes a head. Was it the final one?
    fn head(&mut self, response: &Response<'_>, told: &Told<'_>) -> Result<bool, Refusal> {
        let Told { asked, .. } = told;
        let options = Options::read(response.fields)?;
        if response.status.is_interim() {
            self.interims += 1;
            if self.interims > MOST_INTERIM {
                return Err(Refusal::HeadTooLarge);
            }
            if asked.version == Version::Http11 {
                write_interim(&mut self.out, response, &options);
            }
            return Ok(false);
        }
        let method = if asked.head { Method::Head } else { Method::Get };
        let switched = told.switches(response)?;
        let body = framing::response(response, method)?;
        self.delivery = Delivery::of_response(body.body, asked.version);
        self.server_persists = server_persists(response, &options, body);
        // Who waits for `100 Continue` and hears something else may leave the body out, or send it all the same.
        let in_step = told.received.get() || !asked.expects_continue;
        self.client_persists =
            asked.persists && told.may_persist && in_step && self.delivery != Delivery::UntilClose;
        let edits = ResponseEdits {
            headers: &told.http.response_headers,
            back: told.back(),
            delivery: self.delivery,
            client: asked.version,
            persists: self.client_persists,
            date: &told.date,
        };
        write_response(&mut self.out, response, &options, &edits);
        self.status = Some(response.status);
        self.phase = if switched {
            Phase::Switched
        } else {
            Phase::Body(BodyReader::new(body.body, Limits::default(), u64::MAX)?)
        };
        Ok(true)
    }

    /// Passes on what has come of the body, from `at` on.
    fn body(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        input: &[u8],
        mut at: usize,
        told: &Told<'_>,
    ) -> Result<(), Failed> {
        let mut reader = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Body(reader) => reader,
            Phase::Switched => {
                self.out.extend_from_slice(&input[at..]);
                self.phase = Phase::Switched;
                return Ok(());
            }
            Phase::Head(_) | Phase::Over => return Ok(()),
        };
        while let Some(data) = reader.next(input, &mut at).map_err(Failed::Refused)? {
            self.put(cx, client, &input[data], told)?;
        }
        if !reader.is_done() {
            self.phase = Phase::Body(reader);
            return Ok(());
        }
        if self.delivery == Delivery::Chunked {
            write_trailers(&mut self.out, reader.trailers(), &[]);
        }
        self.unasked = at < input.len();
        Ok(())
    }

    fn put(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Transport,
        data: &[u8],
        told: &Told<'_>,
    ) -> Result<(), Failed> {
        if self.delivery == Delivery::Chunked {
            let (line, length) = chunk_head(data.len());
            for part in [&line[..length], data, b"\r\n"] {
                self.out.extend_from_slice(part);
            }
            return Ok(());
        }
        let waiting = self.out.len() - self.sent;
        let mut copied = data;
        if waiting + data.len() > SMALL {
            // Straight from the thread's buffer; copied is only what the client does not take at once.
            match poll_write_both(client, cx, [&self.out[self.sent..], data]) {
                Poll::Ready(Ok(length)) => {
                    let of_data = length.saturating_sub(waiting);
                    self.moved(length - of_data, told);
                    self.total += of_data as u64;
                    copied = &data[of_data..];
                }
                Poll::Ready(Err(_)) => return Err(Failed::Client),
                Poll::Pending => {}
            }
        }
        self.out.extend_from_slice(copied);
        Ok(())
    }

    /// The server has closed its connection: the end of a body, or too early.
    fn closed(&mut self) -> Result<(), Failed> {
        let Phase::Body(mut reader) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return Err(Failed::Server);
        };
        reader.close().map_err(|_| Failed::Server)?;
        if self.delivery == Delivery::Chunked {
            write_trailers(&mut self.out, None, &[]);
        }
        Ok(())
    }
}
