//! A connection to a server: a kept one, or a new one, again or to another server where that fails.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;

use super::context::Context;
use super::pool::Pool;
use super::preface;
use super::queue::{NoSeat, Seat, seat};
use super::timers::Timer;
use super::tls::{self, NoTls};
use super::upstream::{ServerStream, Upstream};
use crate::balance::{Attempts, Failure, Next, Request};
use crate::health::Observation;

/// How long a connection may have waited that takes a request which cannot be made twice. Servers close theirs after
/// some seconds, and one that is being closed looks like any other.
const YOUNG: Duration = Duration::from_secs(1);

/// On the way to a server.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) context: Rc<Context>,
    pub(super) pool: Rc<Pool>,
    pub(super) request: Request,
    pub(super) attempts: Attempts,
    /// Where the next attempt goes, if it is decided.
    seat: Option<Seat>,
    /// Since the thread began: when the last seat was had.
    pub(super) seated: Option<Duration>,
    /// The last server that was asked.
    pub(super) asked: Option<(crate::balance::Place, SocketAddr)>,
    /// How many were in front of it in the queue.
    pub(super) queued: u32,
    /// Connections that have waited for longer are left alone.
    longest_idle: Duration,
    /// The client's end, and ours.
    ends: [SocketAddr; 2],
}

/// A server's connection.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) seat: Seat,
    pub(super) server: Upstream,
    /// It was kept from an earlier request.
    pub(super) kept: bool,
}

/// Why no server was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreached {
    /// None to be had.
    NoSeat(NoSeat),
    /// The last attempt failed.
    Failed(Failure),
}

impl Reach {
    pub(super) fn new(
        context: &Rc<Context>,
        pool: &Rc<Pool>,
        key: Option<u64>,
        ends: [SocketAddr; 2],
    ) -> Self {
        let request = Request { key, avoid: None, random: context.random() };
        Self {
            context: Rc::clone(context),
            pool: Rc::clone(pool),
            request,
            attempts: Attempts::default(),
            seat: None,
            seated: None,
            asked: None,
            queued: 0,
            longest_idle: Duration::MAX,
            ends,
        }
    }

    /// The next connection.
    pub(super) async fn next(&mut self, timer: &Timer) -> Result<Reached, Unreached> {
        loop {
            let seat = match self.seat.take() {
                Some(seat) => seat,
                None => seat(&self.context, &self.pool, &self.request, &mut self.queued)
                    .await
                    .map_err(Unreached::NoSeat)?,
            };
            let now = self.context.elapsed();
            self.seated.get_or_insert(now);
            let Some(address) = self.pool.address(seat.place) else {
                // It has just been taken out.
                self.failed(seat, Failure::Refused, timer).await?;
                continue;
            };
            self.asked = Some((seat.place, address));
            if let Some(server) = self.pool.idle.take(seat.place, address, now, self.longest_idle) {
                return Ok(Reached { seat, server, kept: true });
            }
            match self.connect(&seat, address, timer).await {
                Ok(server) => {
                    self.pool.observe(seat.place, Observation::Connected);
                    return Ok(Reached { seat, server, kept: false });
                }
                Err(failure) => {
                    self.pool.observe(seat.place, Observation::ConnectFailed);
                    self.failed(seat, failure, timer).await?;
                }
            }
        }
    }

    /// The same for a protocol that keeps no connections.
    pub(super) async fn next_fresh(&mut self, timer: &Timer) -> Result<Reached, Unreached> {
        self.longest_idle = Duration::ZERO;
        self.next(timer).await
    }

    /// The request is lost if its connection turns out to be closed: it goes over one that was at work just now, or a new
    /// one.
    pub(super) const fn cannot_repeat(&mut self) {
        self.longest_idle = YOUNG;
    }

    /// TLS included: `connect_timeout` is for all of it.
    async fn connect(
        &self,
        seat: &Seat,
        address: SocketAddr,
        timer: &Timer,
    ) -> Result<Upstream, Failure> {
        timer.set(self.pool.settings.retries.connect_timeout);
        let mut connecting = pin!(TcpStream::connect(address));
        let connected = poll_fn(|cx| match connecting.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(result.map_err(|_| Failure::Refused)),
            Poll::Pending => timer.poll(cx).map(|()| Err(Failure::TimedOut)),
        });
        let mut stream: TcpStream = connected.await?;
        self.prepare(&mut stream).await.map_err(|_| Failure::Refused)?;
        let source = stream.local_addr().ok();
        let stream = match &self.pool.settings.tls {
            None => ServerStream::Plain(stream),
            Some(tls) => {
                let connected = tls::connect(&self.context, stream, tls, address.ip(), timer);
                let stream = connected.await.map_err(|why| self.no_tls(seat, &why))?;
                ServerStream::Tls(Box::new(stream))
            }
        };
        timer.clear();
        Ok(Upstream { stream, address, source })
    }

    fn no_tls(&self, seat: &Seat, why: &NoTls) -> Failure {
        self.pool.say_no_tls(seat.place, self.context.elapsed(), why);
        if matches!(why, NoTls::TooLate) { Failure::TimedOut } else { Failure::Refused }
    }

    async fn prepare(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match self.pool.settings.sends_proxy {
            Some(version) => preface::write(stream, version, self.ends).await,
            None => Ok(()),
        }
    }

    /// An attempt has failed, before the first byte of an answer. `Ok`: [`Self::next`] may find another way.
    pub(super) async fn failed(
        &mut self,
        seat: Seat,
        failure: Failure,
        timer: &Timer,
    ) -> Result<(), Unreached> {
        let situation = self.pool.situation(seat.place);
        match self.attempts.failed(failure, &self.pool.settings.retries, situation) {
            Next::GiveUp(failure) => return Err(Unreached::Failed(failure)),
            Next::Another => self.request.avoid = Some(seat.place),
            Next::Again { after } => {
                if matches!(failure, Failure::Stale { .. }) {
                    self.longest_idle = Duration::ZERO;
                }
                if !after.is_zero() {
                    timer.set(after);
                    timer.expired().await;
                }
                self.seat = Some(seat);
            }
        }
        Ok(())
    }
}
