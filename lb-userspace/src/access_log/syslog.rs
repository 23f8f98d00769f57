//! What stands around a line on its way to syslog.

use super::Moment;
use super::encode::{put_number, put_padded};
use super::json::write_rfc3339;
use super::moment::write_clock;

/// For whom a message is (RFC 5424, section 6.2.1): those that are free to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    /// `local0` to `local7`.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let number = name.strip_prefix("local")?;
        match number.as_bytes() {
            [digit @ b'0'..=b'7'] => Some(Self(digit - b'0')),
            _ => None,
        }
    }

    const fn code(self) -> u8 {
        16 + self.0
    }
}

/// How much a message matters (RFC 5424, section 6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// A request that went wrong, where such are kept apart.
    Error,
    /// Any other.
    #[default]
    Info,
}

impl Severity {
    const fn code(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Info => 6,
        }
    }
}

/// How the message begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyslogFormat {
    /// `<150>Nov 23 18:50:42 haproxy[29682]: `, as HAProxy does; RFC 3164 has the host, too.
    #[default]
    Rfc3164,
    /// `<150>1 2026-11-23T18:50:42.294932+00:00 host haproxy 29682 - - `
    Rfc5424,
}

/// What every message of one target has in common.
#[derive(Clone, Copy, Debug)]
pub struct Syslog<'a> {
    /// How it begins.
    pub format: SyslogFormat,
    /// For whom.
    pub facility: Facility,
    /// Of which program.
    pub tag: &'a str,
    /// Of which process.
    pub process: u32,
    /// From which host; HAProxy says none unless told to.
    pub host: Option<&'a str>,
    /// Bytes of the longest message, its line break included: HAProxy's `len`, 1024.
    pub longest: usize,
}

impl Syslog<'_> {
    /// Appends a message that `line` writes, in one line; what is too long is cut.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        severity: Severity,
        now: Moment,
        line: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = out.len();
        out.push(b'<');
        put_number(out, (self.facility.code() * 8 + severity.code()).into());
        out.push(b'>');
        match self.format {
            SyslogFormat::Rfc3164 => self.begin_3164(out, now),
            SyslogFormat::Rfc5424 => self.begin_5424(out, now),
        }
        line(out);
        out.truncate(start.saturating_add(self.longest.saturating_sub(1)));
        out.push(b'\n');
    }

    /// `Nov  3 18:50:42 [host ]tag[process]: `
    fn begin_3164(&self, out: &mut Vec<u8>, now: Moment) {
        let civil = now.local();
        out.extend_from_slice(civil.month_name().as_bytes());
        out.extend_from_slice(if civil.day < 10 { b"  " } else { b" " });
        put_number(out, civil.day);
        out.push(b' ');
        write_clock(out, &civil);
        out.push(b' ');
        if let Some(host) = self.host {
            out.extend_from_slice(host.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(self.tag.as_bytes());
        out.push(b'[');
        put_padded(out, self.process.into(), 1);
        out.extend_from_slice(b"]: ");
    }

    /// Without message id and structured data.
    fn begin_5424(&self, out: &mut Vec<u8>, now: Moment) {
        out.extend_from_slice(b"1 ");
        write_rfc3339(out, now);
        for word in [self.host.unwrap_or("-"), self.tag] {
            out.push(b' ');
            out.extend_from_slice(word.as_bytes());
        }
        out.push(b' ');
        put_number(out, self.process.into());
        out.extend_from_slice(b" - - ");
    }
}

#[cfg(test)]
#[path = "syslog_test.rs"]
mod tests;
