//! What requests meet with at each server: errors in a row are counted over all threads, and the agent hears of too many.

use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use super::news::News;
use super::pool::Pool;
use crate::balance::Place;
use crate::health::Observation;

/// A server that too many requests in a row have failed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Its pool.
    pub pool: String,
    /// Its name there.
    pub server: String,
    /// How many.
    pub errors: u32,
    /// What the last of them met with.
    pub last: Observation,
}

impl Pool {
    /// A request has met with this at a server. Most are well: then a word is read, and nothing written.
    pub(super) fn observe(&self, place: Place, met: Observation) {
        let Some(observe) = &self.settings.observe else { return };
        let (Some(is_well), Some(row)) =
            (met.judge(observe.layer), self.shared.memory.errors.get(usize::from(place.0)))
        else {
            return;
        };
        if is_well {
            if row.load(Relaxed) != 0 {
                row.store(0, Relaxed);
            }
            return;
        }
        let limit = observe.error_limit.get();
        // Of several threads that come to the limit together one says so.
        if row.fetch_add(1, Relaxed) + 1 < limit || row.swap(0, Relaxed) < limit {
            return;
        }
        self.say(place, |pool, server| {
            News::Suspect(Suspect { pool, server, errors: limit, last: met })
        });
    }
}
