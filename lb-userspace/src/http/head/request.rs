//! The head of a request (RFC 9112, section 3).

use super::super::bytes;
use super::super::fields::{BeforeColon, Fields, Known, Places, bad_byte};
use super::super::lines::{LineLimit, Lines};
use super::super::{Limits, Refusal};
use super::{Authority, Method, Target, Version};

/// Reads heads of requests, one after the other.
#[derive(Debug, Default)]
pub struct RequestReader {
    limits: Limits,
    lines: Lines,
    /// The request line, once it is there.
    line: Option<(usize, usize)>,
    places: Places,
}

/// A request's head; it borrows the bytes and the reader.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is to be done.
    pub method: Method<'a>,
    /// To what.
    pub target: Target<'a>,
    /// The client's version.
    pub version: Version,
    /// The only Host field, or what an absolute target says; HTTP/1.0 may do without.
    pub host: Option<Authority<'a>>,
    /// Every field.
    pub fields: Fields<'a>,
    /// The request line as it came, for the log.
    pub line: &'a [u8],
    /// Bytes of the head, its empty line and empty lines before it included: the body begins there.
    pub length: usize,
}

/// What a request line says.
type Words<'a> = (Method<'a>, Target<'a>, Version);
/// Where a request line stands, and what it says.
type Line<'a> = ((usize, usize), Words<'a>);

impl RequestReader {
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

    /// Whether a request has begun: bytes other than empty lines have come.
    #[must_use]
    pub fn has_begun(&self, bytes: &[u8]) -> bool {
        bytes.len() > self.lines.start() || self.line.is_some()
    }

    /// Looks at what has arrived; `bytes` are all of the head so far, from its first. `None`: the head goes on.
    /// After a head, or a refusal, [`reset`](Self::reset).
    ///
    /// # Errors
    /// The same refusal however the head was cut.
    pub fn read<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Option<Request<'a>>, Refusal> {
        let Some((line, words)) = self.request_line(bytes)? else { return Ok(None) };
        let limit = LineLimit::head(self.limits.head());
        loop {
            self.places.add_all_plain(bytes, &mut self.lines, self.limits);
            let Some((start, end)) = self.lines.next(bytes, limit)? else { return Ok(None) };
            if start == end {
                let length = end + 2;
                return self.finish(bytes, line, words, length).map(Some);
            }
            self.places.add(bytes, (start, end), BeforeColon::Refused, self.limits.fields())?;
        }
    }

    /// Finds the request line, and checks it as soon as it is there.
    fn request_line<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Line<'a>>, Refusal> {
        let limit = LineLimit {
            head: self.limits.head(),
            line: self.limits.request_line(),
            refusal: Refusal::UriTooLong,
        };
        loop {
            if let Some((start, end)) = self.line {
                return Ok(Some(((start, end), split(&bytes[start..end], self.limits.uri())?)));
            }
            // Another protocol (TLS on a plain port) is told at once: it may never send a LF.
            if let Some(&first) = bytes.get(self.lines.start())
                && !bytes::is_token_byte(first)
                && !matches!(first, b'\r' | b'\n')
            {
                return Err(if first == 0 { Refusal::Nul } else { Refusal::Method });
            }
            let Some((start, end)) = self.lines.next(bytes, limit)? else { return Ok(None) };
            // Empty lines before a request are from clients that count badly (RFC 9112, section 2.2).
            if start < end {
                let words = split(&bytes[start..end], self.limits.uri())?;
                self.line = Some((start, end));
                return Ok(Some(((start, end), words)));
            }
        }
    }

    fn finish<'a>(
        &'a self,
        bytes: &'a [u8],
        (start, end): (usize, usize),
        (method, target, version): Words<'a>,
        length: usize,
    ) -> Result<Request<'a>, Refusal> {
        let line = &bytes[start..end];
        let fields = self.places.view(bytes);
        let host = host(fields, version, target)?;
        Ok(Request { method, target, version, host, fields, line, length })
    }
}

/// ```text
/// request-line = method SP request-target SP HTTP-version
/// ```
fn split(line: &[u8], longest: usize) -> Result<Words<'_>, Refusal> {
    if line == b"PRI * HTTP/2.0" {
        return Err(Refusal::Http2Preface);
    }
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next());
    if !bytes::is_value(line) {
        return Err(bad_byte(line));
    }
    let method = Method::parse(method)?;
    let (Some(target), Some(version)) = (target, words.next()) else {
        return Err(Refusal::RequestLine);
    };
    if target.is_empty() {
        return Err(Refusal::RequestLine);
    }
    if target.len() > longest {
        return Err(Refusal::UriTooLong);
    }
    let version = Version::parse(version).ok_or(Refusal::RequestLine)??;
    Ok((method, Target::parse(target, method)?, version))
}

/// RFC 9112, section 3.2, and 3.2.2: one Host, which says what an absolute target says.
fn host<'a>(
    fields: Fields<'a>,
    version: Version,
    target: Target<'a>,
) -> Result<Option<Authority<'a>>, Refusal> {
    let mut values = fields.values(Known::Host);
    let named = match values.next() {
        None if version == Version::Http11 => return Err(Refusal::NoHost),
        None => None,
        Some(_) if values.next().is_some() => return Err(Refusal::TwoHosts),
        Some(value) => Some(Authority::parse(value)?),
    };
    let Target::Absolute { secure, authority, .. } = target else { return Ok(named) };
    let usual = if secure { 443 } else { 80 };
    match named {
        Some(host) if !host.is_same(&authority, usual) => Err(Refusal::HostDiffers),
        _ => Ok(Some(authority)),
    }
}

#[cfg(test)]
#[path = "request_test.rs"]
mod tests;
