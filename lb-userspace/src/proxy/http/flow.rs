//! Both directions of one exchange, beside each other, under one deadline.

use std::cell::Cell;
use std::task::{Context, Poll};
use std::time::Duration;

use super::super::timers::Timer;
use super::super::transport::Transport;
use super::download::{Download, Failed};
use super::told::Told;
use super::upload::{NoMore, Upload};

/// One attempt of an exchange.
pub(super) struct Flow<'a, C, S> {
    pub(super) client: &'a mut C,
    pub(super) server: &'a mut S,
    pub(super) upload: &'a mut Upload,
    pub(super) download: &'a mut Download,
    pub(super) told: Told<'a>,
    pub(super) timer: &'a Timer,
    pub(super) client_timeout: Duration,
    pub(super) server_timeout: Duration,
    /// Who was waited for when the deadline was set.
    pub(super) awaited: Option<Side>,
}

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// The response is over, and has gone.
    Complete,
    /// The rest of the request does not come.
    Request(NoMore),
    /// The rest of the response does not.
    Response(Failed),
    /// This side was silent for too long.
    Late(Side),
    /// The server is found to be down.
    Down,
}

impl<C: Transport, S: Transport> Flow<'_, C, S> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<End> {
        let mut sent = false;
        let (client, server) = (&mut *self.client, &mut *self.server);
        match self.upload.poll(cx, client, server, scratch, &mut sent) {
            Poll::Ready(Err(why)) => return Poll::Ready(End::Request(why)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        self.told.received.set(self.upload.is_received());
        match self.download.poll(cx, client, server, scratch, &self.told) {
            Poll::Ready(Ok(())) => return Poll::Ready(End::Complete),
            Poll::Ready(Err(why)) => return Poll::Ready(End::Response(why)),
            Poll::Pending => {}
        }
        let awaited = if self.download.awaits_client() || self.upload.awaits_client() {
            Side::Client
        } else {
            Side::Server
        };
        let progress: &Cell<bool> = self.told.progress;
        if progress.replace(false) | sent || self.awaited != Some(awaited) {
            self.awaited = Some(awaited);
            self.timer.set(match awaited {
                Side::Client => self.client_timeout,
                Side::Server => self.server_timeout,
            });
        }
        self.timer.poll(cx).map(|()| End::Late(awaited))
    }
}
