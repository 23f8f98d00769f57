//! What follows when a request does not get through to a server: the same one again, another one, or the end. HAProxy's
//! `retries` and `option redispatch`.
//!
//! | failure | the same server | another server |
//! | --- | --- | --- |
//! | connection refused, TLS failed | after min(1 s, `connect` timeout) | at once |
//! | no answer within the `connect` timeout | at once: that was wait enough | at once |
//! | a kept connection was closed by the server | at once and once, on a new connection, and not counted; where the request may be sent twice | |

use std::time::Duration;

/// When another server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redispatch {
    /// Never.
    Off,
    /// With the last attempt.
    Last,
    /// With each attempt of this number, counted from the first retry.
    Every(std::num::NonZeroU8),
}

/// The settings of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first one.
    pub most: u8,
    /// When another server is asked.
    pub redispatch: Redispatch,
    /// How long an attempt may take.
    pub connect_timeout: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 3, redispatch: Redispatch::Last, connect_timeout: Duration::from_secs(5) }
    }
}

/// Why an attempt failed. Failures after the first byte of a response are not among them: there is no way back then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Refused, unreachable, reset, or TLS did not come about.
    Refused,
    /// Nothing within the time for it.
    TimedOut,
    /// A connection that was kept from an earlier request was closed before it said anything.
    Stale {
        /// The request may be sent again: it is idempotent, and all of it is still there.
        repeatable: bool,
    },
}

/// How things are when an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The server still gets requests.
    pub server_is_open: bool,
    /// Another one does.
    pub others_are_open: bool,
    /// The request belongs to this server (a cookie, a key): another one is the last resort.
    pub bound: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the same server once more, on a new connection. Its slot is kept.
    Again {
        /// After so long.
        after: Duration,
    },
    /// Give the slot back and ask another server.
    Another,
    /// Tell the client: the last failure says what.
    GiveUp(Failure),
}

/// The attempts of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    failed: u8,
    redispatched: bool,
    stale: bool,
}

impl Attempts {
    /// Between two attempts at a server that refuses, at most.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Retries so far, as access logs have them.
    #[must_use]
    pub const fn retries(self) -> u8 {
        self.failed
    }

    /// Was another server asked? Access logs have a `+` then.
    #[must_use]
    pub const fn is_redispatched(self) -> bool {
        self.redispatched
    }

    /// An attempt has failed.
    pub fn failed(&mut self, failure: Failure, settings: &Retries, situation: Situation) -> Next {
        if let Failure::Stale { repeatable } = failure {
            if !repeatable || self.stale {
                return Next::GiveUp(failure);
            }
            self.stale = true;
            return Next::Again { after: Duration::ZERO };
        }
        if self.failed >= settings.most {
            return Next::GiveUp(failure);
        }
        if !situation.server_is_open && !situation.others_are_open {
            return Next::GiveUp(failure);
        }
        self.failed += 1;
        if situation.others_are_open && self.asks_another(settings, situation) {
            self.redispatched = true;
            return Next::Another;
        }
        let after = match failure {
            Failure::TimedOut | Failure::Stale { .. } => Duration::ZERO,
            Failure::Refused => Self::PAUSE.min(settings.connect_timeout),
        };
        Next::Again { after }
    }

    /// At once where the server is out, or where nothing speaks for it.
    fn asks_another(self, settings: &Retries, situation: Situation) -> bool {
        let at_once = !situation.server_is_open || !situation.bound;
        match settings.redispatch {
            Redispatch::Off => false,
            Redispatch::Last => at_once || self.failed == settings.most,
            Redispatch::Every(number) => at_once || self.failed.is_multiple_of(number.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Situation = Situation { server_is_open: true, others_are_open: true, bound: true };
    const SECOND: Next = Next::Again { after: Duration::from_secs(1) };
    const REFUSED: Next = Next::GiveUp(Failure::Refused);

    fn story(settings: Retries, situation: Situation, failure: Failure) -> (Vec<Next>, Attempts) {
        let mut attempts = Attempts::default();
        let mut all = Vec::new();
        while !matches!(all.last(), Some(Next::GiveUp(_))) {
            all.push(attempts.failed(failure, &settings, situation));
        }
        (all, attempts)
    }

    #[test]
    fn stories() {
        let usual = Retries::default();
        let every = Redispatch::Every(std::num::NonZeroU8::new(2).unwrap());
        let now = Next::Again { after: Duration::ZERO };
        let late = Next::GiveUp(Failure::TimedOut);
        let quick = Duration::from_millis(300);
        let alone = Situation { others_are_open: false, ..OPEN };
        let down = Situation { server_is_open: false, ..OPEN };
        for (settings, situation, failure, expected) in [
            (usual, OPEN, Failure::Refused, vec![SECOND, SECOND, Next::Another, REFUSED]),
            (usual, OPEN, Failure::TimedOut, vec![now, now, Next::Another, late]),
            // Nothing speaks for this server, or it is down.
            (
                usual,
                Situation { bound: false, ..OPEN },
                Failure::Refused,
                [vec![Next::Another; 3], vec![REFUSED]].concat(),
            ),
            (usual, down, Failure::TimedOut, [vec![Next::Another; 3], vec![late]].concat()),
            (usual, alone, Failure::Refused, vec![SECOND, SECOND, SECOND, REFUSED]),
            (usual, Situation { others_are_open: false, ..down }, Failure::Refused, vec![REFUSED]),
            (Retries { most: 0, ..usual }, OPEN, Failure::Refused, vec![REFUSED]),
            (
                Retries { redispatch: Redispatch::Off, ..usual },
                OPEN,
                Failure::Refused,
                vec![SECOND, SECOND, SECOND, REFUSED],
            ),
            (
                Retries { redispatch: every, ..usual },
                OPEN,
                Failure::Refused,
                vec![SECOND, Next::Another, SECOND, REFUSED],
            ),
            (
                Retries { connect_timeout: quick, most: 1, ..usual },
                alone,
                Failure::Refused,
                vec![Next::Again { after: quick }, REFUSED],
            ),
        ] {
            let (found, attempts) = story(settings, situation, failure);
            assert_eq!(found, expected, "{settings:?} {situation:?}");
            assert_eq!(attempts.is_redispatched(), expected.contains(&Next::Another));
            let retries = expected.iter().filter(|next| !matches!(next, Next::GiveUp(_))).count();
            assert_eq!(usize::from(attempts.retries()), retries);
        }
    }

    #[test]
    fn a_connection_that_was_closed_meanwhile_is_replaced_once() {
        let settings = Retries { most: 0, ..Retries::default() };
        for (repeatable, first) in [
            (true, Next::Again { after: Duration::ZERO }),
            (false, Next::GiveUp(Failure::Stale { repeatable: false })),
        ] {
            let mut attempts = Attempts::default();
            let failure = Failure::Stale { repeatable };
            assert_eq!(attempts.failed(failure, &settings, OPEN), first);
            assert_eq!(attempts.failed(failure, &settings, OPEN), Next::GiveUp(failure));
            assert_eq!(attempts.retries(), 0);
        }
    }
}
