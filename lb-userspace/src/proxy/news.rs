//! What a data thread has to say besides its logs.

use std::time::Duration;

use super::observe::Suspect;
use super::pool::Pool;
use crate::balance::Place;

/// How often a pool speaks of handshakes that fail.
const AGAIN: Duration = Duration::from_secs(10);

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Requests fail at a server.
    Suspect(Suspect),
    /// There is no TLS with a server.
    NoTls {
        /// Its pool.
        pool: String,
        /// Its name there.
        server: String,
        /// Why.
        reason: String,
    },
}

impl Pool {
    /// Says this of a server. Where nobody keeps up, there is enough to do with what was said before.
    pub(super) fn say(&self, place: Place, news: impl FnOnce(String, String) -> News) {
        if let (Some(listener), Some(server)) = (&self.shared.news, self.name(place)) {
            _ = listener.try_send(news(self.settings.name.to_string(), server.to_string()));
        }
    }

    /// That there is no TLS with a server, once in a while.
    pub(super) fn say_no_tls(&self, place: Place, now: Duration, reason: &impl ToString) {
        if self.complained.get().is_some_and(|before| now.saturating_sub(before) < AGAIN) {
            return;
        }
        self.complained.set(Some(now));
        self.say(place, |pool, server| News::NoTls { pool, server, reason: reason.to_string() });
    }
}
