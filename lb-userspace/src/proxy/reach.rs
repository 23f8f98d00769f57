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
use super::queue::{NoSeat, Seat, seat};
use super::timers::Timer;
use crate::balance::{Attempts, Failure, Next, Request};

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
    /// The next attempt takes no kept connection.
    fresh: bool,
}

/// A server's connection.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) seat: Seat,
    pub(super) stream: TcpStream,
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
    pub(super) fn new(context: &Rc<Context>, pool: &Rc<Pool>, key: Option<u64>) -> Self {
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
            fresh: false,
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
            if !self.fresh
                && let Some(stream) = self.pool.idle.take(seat.place, now)
            {
                return Ok(Reached { seat, stream, kept: true });
            }
            match self.connect(address, timer).await {
                Ok(stream) => return Ok(Reached { seat, stream, kept: false }),
                Err(failure) => self.failed(seat, failure, timer).await?,
            }
        }
    }

    /// The same for a protocol that keeps no connections.
    pub(super) async fn next_fresh(&mut self, timer: &Timer) -> Result<Reached, Unreached> {
        self.fresh = true;
        self.next(timer).await
    }

    async fn connect(&self, address: SocketAddr, timer: &Timer) -> Result<TcpStream, Failure> {
        timer.set(self.pool.settings.retries.connect_timeout);
        let mut connecting = pin!(TcpStream::connect(address));
        let connected = poll_fn(|cx| match connecting.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(result.map_err(|_| Failure::Refused)),
            Poll::Pending => timer.poll(cx).map(|()| Err(Failure::TimedOut)),
        });
        let stream: TcpStream = connected.await?;
        timer.clear();
        let prepared: io::Result<()> = stream.set_nodelay(true);
        prepared.map(|()| stream).map_err(|_| Failure::Refused)
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
                self.fresh = matches!(failure, Failure::Stale { .. });
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
