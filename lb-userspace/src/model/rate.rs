//! A rate of new connections, and how many may come at once: `100/s`, `6000/m` or `10/h`.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::duration;

/// How often new connections may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Time between two connections in the long run: 1 ns to 1 h.
    #[serde(rename = "interval_ns", with = "duration::nanoseconds")]
    pub interval: Duration,
    /// Connections that may come at once after a rest: 1 to 1,000,000,000, together at most 30 days.
    pub burst: u32,
}

/// Why a text or a number is not a rate, or not its burst.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a number and a unit.
    #[error("`{0}` is not a rate: write a whole number and one of /s, /m, /h, as in `100/s`")]
    Form(String),
    /// Not a number and the unit second.
    #[error("`{0}` is not a rate a second: write one such as `50000/s`")]
    PerSecond(String),
    /// Too slow or too fast.
    #[error("`{0}` is out of range: a rate is 1/h to {max}/s", max = Rate::FASTEST)]
    Range(String),
    /// None at once, or too many.
    #[error("burst {0} is out of range: it is 1 to {max}", max = Rate::FASTEST)]
    Burst(i128),
    /// The bucket would never be full again.
    #[error(
        "burst {burst} is out of range: at {rate}, at most {most} connections come back in 30 days"
    )]
    Refill {
        /// What was wanted.
        burst: u32,
        /// The rate of it.
        rate: Rate,
        /// The largest burst of this rate.
        most: u32,
    },
}

const UNITS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3_600)];
const SECOND: u64 = 1_000_000_000;

impl Rate {
    /// Connections a second at most; also the largest burst.
    pub const FASTEST: u32 = 1_000_000_000;
    /// What a full bucket holds is at most what comes in this time. It keeps sums of nanoseconds small.
    const LONGEST_REFILL: Duration = Duration::from_secs(30 * 24 * 3_600);

    /// Reads `100/s`; so many may come at once, too.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let (count, seconds) = count_per(text)?;
        let interval = seconds.saturating_mul(SECOND).checked_div(count);
        match interval {
            Some(interval @ 1..) if count >= 1 && seconds >= 1 => Ok(Self {
                interval: Duration::from_nanos(interval),
                burst: u32::try_from(count).unwrap_or(u32::MAX).min(Self::FASTEST),
            }),
            _ => Err(RateError::Range(text.to_owned())),
        }
    }

    /// Reads `100/s`, where the unit is the second: so many a second.
    pub fn parse_per_second(text: &str) -> Result<u32, RateError> {
        match count_per(text).map_err(|_| RateError::PerSecond(text.to_owned()))? {
            (count, 1) => u32::try_from(count)
                .ok()
                .filter(|count| (1..=Self::FASTEST).contains(count))
                .ok_or_else(|| RateError::Range(text.to_owned())),
            _ => Err(RateError::PerSecond(text.to_owned())),
        }
    }

    /// The same rate, with another burst.
    pub fn with_burst(self, burst: impl Into<i128>) -> Result<Self, RateError> {
        let value = burst.into();
        let burst = u32::try_from(value)
            .ok()
            .filter(|burst| (1..=Self::FASTEST).contains(burst))
            .ok_or(RateError::Burst(value))?;
        let most = Self::LONGEST_REFILL.as_nanos() / self.interval.as_nanos().max(1);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        if burst > most {
            return Err(RateError::Refill { burst, rate: self, most });
        }
        Ok(Self { burst, ..self })
    }
}

impl fmt::Display for Rate {
    /// The rate alone, in the shortest unit that says it exactly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = self.interval.as_nanos().max(1);
        let per = |seconds: u64| {
            let unit = u128::from(seconds * SECOND);
            let count = (unit + interval / 2) / interval;
            (count > 0 && unit / count == interval).then_some(count)
        };
        let exact = UNITS.iter().find_map(|(unit, seconds)| Some((per(*seconds)?, unit)));
        let (count, unit) = exact.unwrap_or((u128::from(3_600 * SECOND) / interval, &"h"));
        f.pad(&format!("{count}/{unit}"))
    }
}

/// `6000/m`: 6000 in 60 seconds.
fn count_per(text: &str) -> Result<(u64, u64), RateError> {
    let form = || RateError::Form(text.to_owned());
    let (digits, unit) = text.split_once('/').ok_or_else(form)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(form)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(form());
    }
    let count = digits.parse().map_err(|_| RateError::Range(text.to_owned()))?;
    Ok((count, *seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, nanoseconds, burst) in [
            ("100/s", 10_000_000, 100),
            ("90/m", 666_666_666, 90),
            ("7/h", 514_285_714_285, 7),
            ("1/h", 3_600_000_000_000, 1),
            ("1000000000/s", 1, 1_000_000_000),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.interval.as_nanos(), rate.burst), (nanoseconds, burst), "{text}");
            assert_eq!(rate.to_string(), text);
            let json = serde_json::to_string(&rate).unwrap();
            assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate, "{json}");
        }
        assert_eq!(Rate::parse("6000/m").unwrap().to_string(), "100/s");
        assert_eq!(Rate::parse("60000000000/m").unwrap().burst, 1_000_000_000);
    }

    #[test]
    fn refused() {
        for (text, words) in [
            ("100", "as in `100/s`"),
            ("100/d", "as in `100/s`"),
            ("/s", "as in `100/s`"),
            ("1.5/s", "as in `100/s`"),
            ("-1/s", "as in `100/s`"),
            ("100 /s", "as in `100/s`"),
            ("", "as in `100/s`"),
            ("0/s", "1/h to 1000000000/s"),
            ("1000000001/s", "1/h to 1000000000/s"),
            ("99999999999999999999/s", "1/h to 1000000000/s"),
        ] {
            let error = Rate::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn bursts() {
        let rate = Rate::parse("100/s").unwrap();
        assert_eq!(rate.with_burst(1).unwrap(), Rate { burst: 1, ..rate });
        for bad in [0, -1, 1_000_000_001] {
            assert_eq!(rate.with_burst(bad), Err(RateError::Burst(bad)));
        }
        let slow = Rate::parse("1/h").unwrap();
        assert_eq!(slow.with_burst(720).unwrap().burst, 720);
        assert_eq!(
            slow.with_burst(721).unwrap_err().to_string(),
            "burst 721 is out of range: at 1/h, at most 720 connections come back in 30 days"
        );
    }

    #[test]
    fn per_second() {
        assert_eq!(Rate::parse_per_second("50000/s"), Ok(50_000));
        for (bad, words) in [
            ("50000/m", "such as `50000/s`"),
            ("50000", "such as `50000/s`"),
            ("0/s", "out of range"),
            ("1000000001/s", "out of range"),
        ] {
            let error = Rate::parse_per_second(bad).unwrap_err().to_string();
            assert!(error.contains(words), "{bad}: {error}");
        }
    }
}
