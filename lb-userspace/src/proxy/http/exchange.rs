//! A request, its server, and the response.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;

use super::super::pool::Pool;
use super::super::queue::NoSeat;
use super::super::reach::{Reach, Reached, Unreached};
use super::super::record::Record;
use super::super::tcp::letters;
use super::super::transport::Transport;
use super::super::tunnel::{Ended, Half, tunnel};
use super::Work;
use super::download::{Download, Failed};
use super::flow::{End, Flow, Side};
use super::prepare::{Asked, Prepared};
use super::session::{After, Session};
use super::told::Told;
use super::upload::{NoMore, Upload};
use crate::access_log::{When, Who};
use crate::balance::Failure;
use crate::health::Observation;
use crate::http::Status;
use crate::http::connection::Ending;

/// What the client is told when there is no response, and what the log is.
type Verdict = (Option<Status>, Who, When);

impl<C: Transport> Session<C> {
    /// Asks the pool, and passes on what it says.
    pub(super) async fn exchange(
        &mut self,
        prepared: Prepared,
        work: &mut Work,
        pool: &Rc<Pool>,
        key: Option<u64>,
        record: &mut Record,
    ) -> After {
        let Prepared { asked, mut upload, .. } = prepared;
        let mut reach = Reach::new(&self.context, pool, key, self.addresses);
        if !asked.idempotent || !upload.is_repeatable() {
            reach.cannot_repeat();
        }
        let (verdict, download) = loop {
            let reached = match reach.next(&self.timer).await {
                Ok(reached) => reached,
                Err(why) => break (unreached(why), None),
            };
            record.connected = Some(self.context.elapsed());
            record.source = reached.server.source;
            let mut download = Download::new(std::mem::take(&mut work.response));
            let (reached, end) =
                self.flow(reached, &asked, [&mut upload], &mut download, work, pool, record).await;
            let stale = reached.kept && !download.heard;
            if stale && matches!(end, End::Response(Failed::Server)) {
                let repeatable = asked.idempotent && upload.is_repeatable();
                let failure = Failure::Stale { repeatable };
                work.response = download.into_buffer();
                match reach.failed(reached.seat, failure, &self.timer).await {
                    Ok(()) => {
                        upload.rewind();
                        continue;
                    }
                    // The client knows best whether it may ask again.
                    Err(_) => break ((None, Who::Server, When::Headers), None),
                }
            }
            if matches!(end, End::Response(Failed::Refused(_))) {
                download.take_back();
            }
            if let Some(met) = observation(&end, &download) {
                pool.observe(reached.seat.place, met);
            }
            let verdict = verdict(&end, &download, &upload);
            if download.is_switched() && matches!(end, End::Complete) {
                return self.switched(reached, upload, download, &reach, record).await;
            }
            if matches!(end, End::Complete) {
                self.keep(reached, pool, &upload, &download);
            }
            break (verdict, Some(download));
        };
        record.reached(&reach);
        record.received = upload.received;
        let after = self.finish(asked, verdict, &mut upload, download, work, record).await;
        self.behind = std::mem::take(&mut upload.behind);
        work.request = upload.into_buffer();
        after
    }

    /// One attempt.
    #[expect(clippy::too_many_arguments, reason = "all of an exchange comes together here")]
    async fn flow(
        &mut self,
        mut reached: Reached,
        asked: &Asked,
        [upload]: [&mut Upload; 1],
        download: &mut Download,
        work: &Work,
        pool: &Pool,
        record: &mut Record,
    ) -> (Reached, End) {
        let (progress, received) = (Cell::new(false), Cell::new(false));
        let context = &self.context;
        let told = Told {
            asked,
            http: &self.front.http,
            pipes: &context.pipes,
            reader: &context.responses,
            offer: &work.offer,
            outside: &work.outside,
            date: context.date(),
            may_persist: context.goes_on(),
            received: &received,
            progress: &progress,
        };
        let mut flow = Flow {
            client: &mut self.io,
            server: &mut reached.server.stream,
            upload,
            download,
            told,
            timer: &self.timer,
            client_timeout: self.front.settings.timeouts.client,
            server_timeout: pool.settings.server_timeout,
            awaited: None,
        };
        let end = poll_fn(|cx| {
            let poll = flow.poll(cx, &mut context.scratch.borrow_mut());
            if record.answered.is_none() && flow.download.status.is_some() {
                record.answered = Some(context.elapsed());
            }
            poll
        });
        let end = pool.unless_down(reached.seat.place, end).await.unwrap_or(End::Down);
        (reached, end)
    }

    /// Another protocol from here on; the bytes behind the request belong to it.
    async fn switched(
        &mut self,
        mut reached: Reached,
        upload: Upload,
        download: Download,
        reach: &Reach,
        record: &mut Record,
    ) -> After {
        let (mut up, mut down) = (Half::new(upload.behind), Half::new(Vec::new()));
        let halves = [&mut up, &mut down];
        let timeout = self.front.settings.timeouts.tunnel;
        let server = &mut reached.server.stream;
        let ended = tunnel(&self.context, &self.timer, timeout, &mut self.io, server, halves);
        let place = reached.seat.place;
        let ended = reach.pool.unless_down(place, ended).await.unwrap_or(Ended::Down);
        record.reached(reach);
        record.status = download.status;
        (record.received, record.sent) = (up.total, download.total + down.total);
        let (who, when) = letters(ended);
        record.ended(who, when);
        After::Close
    }

    /// The server's connection, for later, if it may be used again. Its seat is free now.
    fn keep(&self, reached: Reached, pool: &Pool, upload: &Upload, download: &Download) {
        let ending = Ending {
            server_persists: download.server_persists,
            request_sent: upload.is_sent(),
            response_complete: download.is_complete(),
            unasked: download.unasked,
        };
        if pool.settings.keeps_connections() && ending.server_goes_on() {
            pool.idle.keep(reached.seat.place, reached.server, self.context.elapsed());
        }
    }

    async fn finish(
        &mut self,
        asked: Asked,
        (status, who, when): Verdict,
        upload: &mut Upload,
        download: Option<Download>,
        work: &mut Work,
        record: &mut Record,
    ) -> After {
        record.ended(who, when);
        record.status = download.as_ref().and_then(|download| download.status);
        record.sent = download.as_ref().map_or(0, |download| download.total);
        let complete = download.as_ref().is_some_and(Download::is_complete);
        let persists = download.as_ref().is_some_and(|download| download.client_persists);
        if let Some(download) = download {
            work.response = download.into_buffer();
        }
        if complete {
            // It was told so: what the server did not wait for must be out of the next request's way.
            let goes_on = persists && (upload.is_received() || self.drain(upload).await);
            return match goes_on {
                true => After::Next,
                false if upload.is_received() => {
                    self.io.say_goodbye();
                    After::Close
                }
                false => After::Linger,
            };
        }
        let Some(status) = status else { return After::Close };
        record.status = Some(status);
        let persists = asked.persists && upload.is_received();
        work.response.clear();
        self.page(&mut work.response, status, asked.version, asked.head, persists);
        let (sent, done) = self.send(&work.response).await;
        record.sent += sent;
        let ends = !persists || crate::http::answer::ends_connection(status);
        match (done, ends) {
            (true, false) => After::Next,
            (true, true) => After::Linger,
            (false, _) => After::Close,
        }
    }
}

/// What a request has met with at its server; `None` where it is not for the server to answer for.
fn observation(end: &End, download: &Download) -> Option<Observation> {
    match (download.status, end) {
        (Some(status), _) => Some(Observation::Response(status.code())),
        (None, End::Response(Failed::Server | Failed::Refused(_)) | End::Late(Side::Server)) => {
            Some(Observation::NoResponse)
        }
        (None, _) => None,
    }
}

const fn unreached(why: Unreached) -> Verdict {
    let (status, who, when) = match why {
        Unreached::NoSeat(NoSeat::TooLate) => {
            (Status::SERVICE_UNAVAILABLE, Who::ServerTimeout, When::Queue)
        }
        Unreached::NoSeat(NoSeat::Full) => (Status::SERVICE_UNAVAILABLE, Who::Proxy, When::Queue),
        Unreached::NoSeat(NoSeat::Nobody) | Unreached::Failed(Failure::Refused) => {
            (Status::SERVICE_UNAVAILABLE, Who::Server, When::Connect)
        }
        Unreached::Failed(Failure::TimedOut) => {
            (Status::SERVICE_UNAVAILABLE, Who::ServerTimeout, When::Connect)
        }
        Unreached::Failed(Failure::Stale { .. }) => return (None, Who::Server, When::Headers),
    };
    (Some(status), who, when)
}

/// Before the head of a response has been written, the client can be told; behind it, its connection is closed before
/// the body is complete.
fn verdict(end: &End, download: &Download, upload: &Upload) -> Verdict {
    let begun = download.status.is_some();
    let tell = |status| if begun { None } else { Some(status) };
    let phase = if begun {
        When::Data
    } else if upload.is_received() {
        When::Headers
    } else {
        When::Data
    };
    match end {
        End::Complete => (None, Who::Normal, When::Over),
        End::Request(NoMore::Gone) | End::Response(Failed::Client) => (None, Who::Client, phase),
        End::Request(NoMore::Refused(refusal)) => (tell(refusal.status()), Who::Proxy, phase),
        End::Response(Failed::Server) => (tell(Status::BAD_GATEWAY), Who::Server, phase),
        End::Response(Failed::Refused(_)) => (tell(Status::BAD_GATEWAY), Who::Proxy, phase),
        End::Late(Side::Client) => (tell(Status::REQUEST_TIMEOUT), Who::ClientTimeout, phase),
        End::Late(Side::Server) => (tell(Status::GATEWAY_TIMEOUT), Who::ServerTimeout, phase),
        End::Down => (tell(Status::BAD_GATEWAY), Who::Down, phase),
    }
}
