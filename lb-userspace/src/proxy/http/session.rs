//! One client's connection: request after request.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::super::context::Context;
use super::super::pool::Pool;
use super::super::record::{Of, Record};
use super::super::timers::Timer;
use super::super::tls::Facts;
use super::super::transport::Transport;
use super::head::NoRequest;
use super::prepare::{Prepared, Then};
use super::{Front, Work};
use crate::access_log::{When, Who};
use crate::http::{Status, Version};

/// A client that is connected.
#[derive(Debug)]
pub(super) struct Session<C> {
    pub(super) context: Rc<Context>,
    pub(super) front: Rc<Front>,
    pub(super) io: C,
    /// The client's end, and ours.
    pub(super) addresses: [SocketAddr; 2],
    pub(super) timer: Timer,
    /// What came behind the last request.
    pub(super) behind: Vec<u8>,
    /// No request has come yet.
    pub(super) is_first: bool,
    /// By what TLS it came, and how long the handshake took.
    pub(super) tls: Option<Rc<Facts>>,
    pub(super) handshake: Duration,
    /// Accepted, or idle again.
    since: Duration,
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The next request.
    Next,
    /// It is closed.
    Close,
    /// It is closed, but not before the client had time to read.
    Linger,
}

impl<C: Transport> Session<C> {
    pub(super) fn new(
        context: Rc<Context>,
        front: Rc<Front>,
        io: C,
        addresses: [SocketAddr; 2],
    ) -> Self {
        let timer = context.timers.timer();
        let since = context.elapsed();
        let tls = io.tls().map(Rc::new);
        let (behind, handshake) = (Vec::new(), Duration::ZERO);
        Self { context, front, io, addresses, timer, behind, is_first: true, tls, handshake, since }
    }

    /// One request. Is there another one?
    pub(super) async fn request(&mut self) -> bool {
        let mut record = Record::new(self.addresses, self.since);
        record.tls.clone_from(&self.tls);
        if self.is_first {
            record.handshake = self.handshake;
        }
        let (began, head) = self.head().await;
        record.began = began;
        let after = match head {
            Err(why) => self.no_request(why, &mut record).await,
            Ok((prepared, mut work)) => {
                record.headed = Some(self.context.elapsed());
                let pool = match prepared.then {
                    Then::Forward(pool, _) => self.context.pools.get(pool.0).cloned(),
                    Then::Answered(_) => None,
                };
                let after = match (&pool, prepared.then) {
                    (Some(pool), Then::Forward(_, key)) => {
                        self.exchange(prepared, &mut work, pool, key, &mut record).await
                    }
                    (_, Then::Answered(status)) => {
                        self.answered(prepared, &work, status, &mut record).await
                    }
                    (None, Then::Forward(..)) => After::Close,
                };
                self.write_down(&record, pool.as_deref(), Some(&work.line));
                self.context.give_back(work);
                after
            }
        };
        self.is_first = false;
        self.since = self.context.elapsed();
        if after == After::Linger {
            self.linger().await;
        }
        after == After::Next
    }

    async fn no_request(&mut self, why: NoRequest, record: &mut Record) -> After {
        let (status, who) = match why {
            NoRequest::Silent => {
                self.io.say_goodbye();
                return After::Close;
            }
            NoRequest::Gone => (None, Who::Client),
            NoRequest::Late => (Some(Status::REQUEST_TIMEOUT), Who::ClientTimeout),
            NoRequest::Refused(refusal) => (Some(refusal.status()), Who::Proxy),
        };
        record.ended(who, When::Request);
        record.status = status.or(Some(Status::BAD_REQUEST));
        if let Some(status) = status {
            let mut page = Vec::new();
            self.page(&mut page, status, Version::Http11, false, false);
            record.sent = self.send(&page).await.0;
        }
        self.write_down(record, None, None);
        After::Linger
    }

    /// The proxy has answered by itself.
    async fn answered(
        &mut self,
        prepared: Prepared,
        work: &Work,
        status: Status,
        record: &mut Record,
    ) -> After {
        record.status = Some(status);
        let denied = status.class() >= 4;
        record.ended(if denied { Who::Proxy } else { Who::Local }, When::Request);
        let (sent, done) = self.send(&work.response).await;
        record.sent = sent;
        let Prepared { asked, upload, .. } = prepared;
        let received = upload.is_received() && upload.received == 0;
        self.behind = upload.behind;
        match done && asked.persists && received {
            true => After::Next,
            false if done => After::Linger,
            false => After::Close,
        }
    }

    fn write_down(&self, record: &Record, pool: Option<&Pool>, line: Option<&[u8]>) {
        if let Some(format) = &self.front.settings.log {
            let service = &*self.front.settings.name;
            let of = Of { service, clients: self.front.door.inside(), pool, line };
            record.write(&self.context, format, &of);
        }
    }
}

#[cfg(test)]
#[path = "segments_test.rs"]
mod tests;
