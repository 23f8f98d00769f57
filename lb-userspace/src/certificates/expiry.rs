//! When certificates are over, and who is told in time.

use std::{fmt, time::Duration};

use super::{
    bundle::Certificate,
    leaf::{NamePattern, date},
};

/// Who renews certificates does it weeks before: what has so little time left was forgotten, or cannot be renewed.
const SOON: u64 = 14 * DAY;
const DAY: u64 = 24 * 3_600;

/// When one is over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// Seconds of Unix time.
    until: i64,
    /// The file.
    source: String,
    /// Whom it is for.
    names: Vec<NamePattern>,
}

impl Expiry {
    /// Of this one.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let Certificate { source, names, validity, .. } = certificate;
        Self { until: validity.until, source: source.clone(), names: names.clone() }
    }

    /// What is to be said of it at this time of Unix.
    #[must_use]
    pub fn warning(&self, now: Duration) -> Option<String> {
        let left = u64::try_from(self.until).unwrap_or(0).checked_sub(now.as_secs());
        match left {
            None => Some(format!("{self}: the certificate has expired on {}", date(self.until))),
            Some(left) if left < SOON => {
                let (until, days) = (date(self.until), left / DAY);
                let unit = if days == 1 { "day" } else { "days" };
                Some(format!("{self}: the certificate expires on {until}, in {days} {unit}"))
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{}{name}", if index == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.names.is_empty() { "" } else { ")" })
    }
}
