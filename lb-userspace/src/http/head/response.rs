//! The head of a response (RFC 9112, section 4).

use super::super::bytes;
use super::super::fields::{BeforeColon, Fields, Places, bad_byte};
use super::super::lines::{LineLimit, Lines};
use super::super::{Limits, Refusal, Status};
use super::Version;

/// Reads heads of responses, one after the other; `1xx` heads come as heads of their own.
#[derive(Debug, Default)]
pub struct ResponseReader {
    limits: Limits,
    lines: Lines,
    line: Option<(usize, usize)>,
    places: Places,
}

/// A response's head; it borrows the bytes and the reader.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The server's version.
    pub version: Version,
    /// How it went.
    pub status: Status,
    /// The server's words for it; may be empty.
    pub reason: &'a [u8],
    /// Every field.
    pub fields: Fields<'a>,
    /// Bytes of the head, its empty line included: the body begins there.
    pub length: usize,
}

impl ResponseReader {
    /// A reader with these limits; it takes memory with the first field.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Begins with the next head.
    pub fn reset(&mut self) {
        self.lines = Lines::default();
        self.line = None;
        self.places.clear();
    }

    /// Looks at what has arrived; `bytes` are all of the head so far, from its first. `None`: the head goes on.
    /// After a head, or a refusal, [`reset`](Self::reset).
    ///
    /// # Errors
    /// The same refusal however the head was cut.
    pub fn read<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Option<Response<'a>>, Refusal> {
        let limit = LineLimit::head(self.limits.head());
        loop {
            if self.line.is_some() {
                self.places.add_all_plain(bytes, &mut self.lines, self.limits);
            }
            let Some((start, end)) = self.lines.next(bytes, limit)? else { return Ok(None) };
            let Some((first, last)) = self.line else {
                split(&bytes[start..end])?;
                self.line = Some((start, end));
                continue;
            };
            if start == end {
                let (version, status, reason) = split(&bytes[first..last])?;
                let fields = self.places.view(bytes);
                return Ok(Some(Response { version, status, reason, fields, length: end + 2 }));
            }
            self.places.add(bytes, (start, end), BeforeColon::Removed, self.limits.fields())?;
        }
    }
}

/// ```text
/// status-line = HTTP-version SP status-code SP [ reason-phrase ]
/// ```
///
/// The second space is left out by some servers, when they have no words.
fn split(line: &[u8]) -> Result<(Version, Status, &[u8]), Refusal> {
    if !bytes::is_value(line) {
        return Err(bad_byte(line));
    }
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let version = Version::parse(words.next().unwrap_or_default()).ok_or(Refusal::StatusLine)??;
    let &[hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
        words.next().unwrap_or_default()
    else {
        return Err(Refusal::StatusLine);
    };
    let code =
        [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let status = Status::new(code).ok_or(Refusal::StatusLine)?;
    Ok((version, status, words.next().unwrap_or_default()))
}

#[cfg(test)]
#[path = "response_test.rs"]
mod tests;
