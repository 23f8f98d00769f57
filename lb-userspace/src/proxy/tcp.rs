//! TCP mode: a client, a server, and what they say to each other.

use std::rc::Rc;

use super::context::Context;
use super::frontend::Frontend;
use super::preface::Introduced;
use super::queue::NoSeat;
use super::reach::{Reach, Unreached};
use super::record::{Of, Record};
use super::settings::Key;
use super::transport::Transport;
use super::tunnel::{Ended, Half, tunnel};
use crate::access_log::{When, Who};
use crate::balance::{Failure, source_key};

/// Serves one client until its connection ends.
pub(super) async fn serve(
    context: &Rc<Context>,
    frontend: &Frontend,
    mut client: impl Transport,
    Introduced { ends, first, handshake }: Introduced,
) {
    let service = &frontend.settings;
    let Some(pool) = context.pools.get(service.pool.0) else { return };
    let timer = context.timers.timer();
    let mut record = Record::new(ends, context.elapsed());
    record.headed = Some(record.accepted);
    (record.handshake, record.tls) = (handshake, client.tls().map(Rc::new));
    let key = match pool.settings.key {
        Key::Source(seed) => Some(source_key(seed, ends[0].ip())),
        // There is no request to look at.
        Key::Uri { .. } | Key::Header(..) => None,
    };
    let mut reach = Reach::new(context, pool, key, ends);
    let reached = reach.next_fresh(&timer).await;
    record.reached(&reach);
    match reached {
        Err(why) => {
            let (who, when) = unreached(why);
            record.ended(who, when);
        }
        Ok(mut reached) => {
            record.connected = Some(context.elapsed());
            record.source = reached.server.source;
            let (mut up, mut down) = (Half::new(first), Half::new(Vec::new()));
            let halves = [&mut up, &mut down];
            let timeout = service.timeouts.tunnel;
            let server = &mut reached.server.stream;
            let ended = tunnel(context, &timer, timeout, &mut client, server, halves);
            let ended = pool.unless_down(reached.seat.place, ended).await.unwrap_or(Ended::Down);
            (record.received, record.sent) = (up.total, down.total);
            let (who, when) = letters(ended);
            record.ended(who, when);
        }
    }
    if let Some(format) = &service.log {
        let clients = frontend.door.inside();
        let of = Of { service: &service.name, clients, pool: Some(pool), line: None };
        record.write(context, format, &of);
    }
}

/// How a tunnel's end is written down.
pub(super) const fn letters(ended: Ended) -> (Who, When) {
    match ended {
        Ended::Normally => (Who::Normal, When::Over),
        Ended::Client => (Who::Client, When::Data),
        Ended::Server => (Who::Server, When::Data),
        Ended::Late => (Who::ClientTimeout, When::Data),
        Ended::Down => (Who::Down, When::Data),
    }
}

const fn unreached(why: Unreached) -> (Who, When) {
    match why {
        Unreached::NoSeat(NoSeat::TooLate) => (Who::ServerTimeout, When::Queue),
        Unreached::NoSeat(NoSeat::Full) => (Who::Proxy, When::Queue),
        Unreached::Failed(Failure::TimedOut) => (Who::ServerTimeout, When::Connect),
        Unreached::NoSeat(NoSeat::Nobody)
        | Unreached::Failed(Failure::Refused | Failure::Stale { .. }) => {
            (Who::Server, When::Connect)
        }
    }
}
