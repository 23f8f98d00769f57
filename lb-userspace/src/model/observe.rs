//! How requests of the proxy speak for the health of real servers, between checks: HAProxy's `observe`.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use super::show_duration;

/// Errors of requests count towards the health of a pool's real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// Which errors count.
    pub layer: ObservedLayer,
    /// Errors in a row that are too many.
    pub error_limit: NonZeroU32,
    /// What follows then.
    pub on_error: OnError,
    /// Servers of a pool that are out at a time, at most, in percent; one of several always may.
    pub max_ejected: u8,
    /// How long a server is out for the first time; the second time in a row twice as long, then three times.
    pub ejection: Duration,
    /// How long at most.
    pub max_ejection: Duration,
}

/// Which errors count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObservedLayer {
    /// Connections that fail.
    #[default]
    Layer4,
    /// Those, responses that do not come or cannot be read, and 5xx but 501 and 505, which say more of the request.
    Layer7,
}

/// What follows when there are too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// A check at once.
    FastCheck,
    /// A failed check.
    #[default]
    FailCheck,
    /// All failed checks but one.
    SuddenDeath,
    /// Out for a time.
    MarkDown,
}

/// A time out of use that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a server is out of use for {} to {}", show_duration(*.0), show_duration(Observe::SHORTEST), show_duration(Observe::LONGEST))]
pub struct EjectionError(Duration);

impl Default for Observe {
    /// HAProxy's limit and action; Envoy's times and share.
    fn default() -> Self {
        Self {
            layer: ObservedLayer::default(),
            error_limit: const { NonZeroU32::new(10).expect("not zero") },
            on_error: OnError::default(),
            max_ejected: 10,
            ejection: Duration::from_secs(30),
            max_ejection: Duration::from_secs(300),
        }
    }
}

impl Observe {
    /// Out for less is hardly worth it.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest time out of use.
    pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

    /// Checks the range of a time out of use.
    pub fn time(value: Duration) -> Result<Duration, EjectionError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&value) {
            Ok(value)
        } else {
            Err(EjectionError(value))
        }
    }
}
