//! The text form of a span of time: one number and one unit, `500ms`, `2s`, `6m` or `1h`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number alone.
    #[error("`{0}` has no unit: write `{0}s`, or another of the units ms, s, m, h")]
    NoUnit(String),
    /// Neither number and unit, nor a number.
    #[error(
        "`{0}` is not a duration: write a whole number and one of the units ms, s, m, h, as in `2s`"
    )]
    Form(String),
    /// More than the milliseconds of a u64.
    #[error("`{0}` is too long a duration")]
    Range(String),
}

/// Reads `500ms`, `2s`, `6m` or `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let form = || DurationError::Form(text.to_owned());
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() {
        return Err(form());
    }
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err(DurationError::NoUnit(text.to_owned())),
        _ => return Err(form()),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .map(Duration::from_millis)
        .ok_or_else(|| DurationError::Range(text.to_owned()))
}

/// The shortest text that [`parse_duration`] reads back; anything below a millisecond is cut off.
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => format!("{millis}ms"),
    }
}

/// For `#[serde(with = "duration::text")]`: durations are written as a person types them.
pub(super) mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::model) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::show_duration(*duration))
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_duration(&text).map_err(D::Error::custom)
    }
}

/// For `#[serde(with = "duration::optional_text")]`: as [`text`], or nothing.
pub(super) mod optional_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(in crate::model) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(super::show_duration).serialize(serializer)
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::parse_duration(&text)).transpose().map_err(D::Error::custom)
    }
}

/// For `#[serde(with = "duration::nanoseconds")]`: for spans that the text form cannot say.
pub(super) mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::model) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("90s", 90_000),
            ("6m", 360_000),
            ("1h", 3_600_000),
            ("0s", 0),
            ("1500ms", 1_500),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(text), Ok(duration));
            assert_eq!(show_duration(duration), text);
        }
    }

    #[test]
    fn refused() {
        for (text, words) in [
            ("2", "write `2s`"),
            ("", "write a whole number and one of the units ms, s, m, h"),
            ("s", "units ms, s, m, h"),
            ("2 s", "units ms, s, m, h"),
            ("1.5s", "units ms, s, m, h"),
            ("-2s", "units ms, s, m, h"),
            ("2S", "units ms, s, m, h"),
            ("2d", "units ms, s, m, h"),
            ("99999999999999999999h", "too long"),
            ("18446744073709551615h", "too long"),
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
