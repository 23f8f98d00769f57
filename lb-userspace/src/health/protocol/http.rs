//! One HTTP request, and its answer: by HTTP/1.1 as bytes (RFC 9112), by HTTP/2 as what its shell makes of them.

mod body;
mod head;
mod two;

pub use two::Http2Exchange;

use std::fmt;
use std::net::SocketAddr;

use self::body::{Body, BodyError};
use self::head::{Framing, Head, HeadError, HeadReader};
use super::{Complaint, Conversation, Step, quoted};
use crate::model::{BodyDigest, BodyMatch, HttpMethod, HttpRequest, StatusRange};

/// A request on its way.
pub(super) struct Exchange {
    check: HttpRequest,
    address: SocketAddr,
    /// The port that a `Host` need not name.
    usual: u16,
    phase: Phase,
}

enum Phase {
    Head(HeadReader),
    Body(Body),
}

/// What is wrong with an answer by HTTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpComplaint {
    /// Another status.
    #[error("status {status}, expected {expected}")]
    Status {
        /// Number and words of the server.
        status: String,
        /// Those that would be good.
        expected: Expected,
    },
    /// The body has not got what it must have.
    #[error("{wanted} is not in the body{}, which begins with {begin}", if *.cut { " (its first 64 KiB)" } else { "" })]
    Body {
        /// What was looked for.
        wanted: String,
        /// It was not read to its end.
        cut: bool,
        /// What is there instead.
        begin: String,
    },
    /// Another body.
    #[error("the body's SHA-256 is {found}, expected {wanted}")]
    Digest {
        /// That of the body.
        found: BodyDigest,
        /// The good one.
        wanted: BodyDigest,
    },
    /// The head cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The body cannot be read.
    #[error(transparent)]
    Framing(#[from] BodyError),
}

/// Ranges of statuses, for people: `200–299 or 404`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(Vec<StatusRange>);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> =
            self.0.iter().map(|range| range.to_string().replace('-', "–")).collect();
        f.write_str(&ranges.join(" or "))
    }
}

impl Exchange {
    pub(super) fn new(check: HttpRequest, address: SocketAddr, usual: u16) -> Self {
        Self { check, address, usual, phase: Phase::Head(HeadReader::default()) }
    }

    fn request(&self) -> String {
        let HttpRequest { method, path, headers, .. } = &self.check;
        let host = host(&self.check, self.address, self.usual);
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if !headers.iter().any(|header| header.name().eq_ignore_ascii_case("user-agent")) {
            text.push_str("User-Agent: lb-check\r\n");
        }
        for header in headers {
            text.push_str(&format!("{header}\r\n"));
        }
        text + "\r\n"
    }

    /// The verdict on a final head, where there is one already.
    fn judge(&mut self, head: &Head) -> Result<Step, HttpComplaint> {
        let status = format!("{} {}", head.status, head.words);
        judge_status(&self.check, head.status, status.trim_end())?;
        if self.check.body.is_none() {
            return Ok(Step::Passed);
        }
        // These have no body, whatever their headers say (RFC 9112, section 6.3).
        let bodiless = self.check.method == HttpMethod::Head || matches!(head.status, 204 | 304);
        let framing = if bodiless { Framing::Length(0) } else { head.framing };
        self.phase = Phase::Body(Body::new(framing, wants_digest(&self.check)));
        Ok(Step::More)
    }
}

/// What the `Host` header says; the `usual` port need not be named.
fn host(request: &HttpRequest, address: SocketAddr, usual: u16) -> String {
    match (&request.host, address) {
        (Some(host), _) => host.to_string(),
        (None, SocketAddr::V4(v4)) if v4.port() == usual => v4.ip().to_string(),
        (None, SocketAddr::V6(v6)) if v6.port() == usual => format!("[{}]", v6.ip()),
        (None, address) => address.to_string(),
    }
}

fn judge_status(request: &HttpRequest, status: u16, words: &str) -> Result<(), HttpComplaint> {
    if request.status.iter().any(|range| range.contains(status)) {
        return Ok(());
    }
    let expected = Expected(request.status.clone());
    Err(HttpComplaint::Status { status: words.to_owned(), expected })
}

const fn wants_digest(request: &HttpRequest) -> bool {
    matches!(request.body, Some(BodyMatch::Sha256(_)))
}

/// Looks for what must be in a body that has come to its end.
fn search(wanted: Option<&BodyMatch>, body: &Body) -> Result<(), HttpComplaint> {
    let bytes = body.bytes();
    let (found, wanted) = match wanted {
        None => return Ok(()),
        Some(BodyMatch::Contains(text)) => {
            (contains(bytes, text.as_bytes()), format!("\"{text}\""))
        }
        Some(BodyMatch::Regex(pattern)) => (pattern.fits(bytes), format!("/{pattern}/")),
        Some(&BodyMatch::Sha256(wanted)) => {
            return match body.digest() {
                Some(found) if found != wanted => Err(HttpComplaint::Digest { found, wanted }),
                _ => Ok(()),
            };
        }
    };
    if found {
        return Ok(());
    }
    Err(HttpComplaint::Body { wanted, cut: body.is_cut(), begin: quoted(bytes) })
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}

impl Conversation for Exchange {
    fn opening(&mut self) -> Vec<u8> {
        self.request().into_bytes()
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        let mut rest = bytes;
        loop {
            match &mut self.phase {
                Phase::Head(reader) => {
                    let Some(head) = reader.read(&mut rest).map_err(HttpComplaint::from)? else {
                        return Ok(Step::More);
                    };
                    // Another head follows an interim one (RFC 9110, section 15.2).
                    if (100..200).contains(&head.status) && head.status != 101 {
                        continue;
                    }
                    if self.judge(&head)? == Step::Passed {
                        return Ok(Step::Passed);
                    }
                }
                Phase::Body(body) => {
                    body.read(rest).map_err(HttpComplaint::from)?;
                    if !body.is_over() {
                        return Ok(Step::More);
                    }
                    search(self.check.body.as_ref(), body)?;
                    return Ok(Step::Passed);
                }
            }
        }
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        match &mut self.phase {
            Phase::Head(reader) => Err(HttpComplaint::from(reader.closed()).into()),
            Phase::Body(body) => {
                body.close().map_err(HttpComplaint::from)?;
                Ok(search(self.check.body.as_ref(), body)?)
            }
        }
    }

    fn awaits(&self) -> &'static str {
        match &self.phase {
            Phase::Head(_) => "the head of the answer",
            Phase::Body(_) => "the end of the body",
        }
    }
}

#[cfg(test)]
#[path = "http_test.rs"]
mod tests;
