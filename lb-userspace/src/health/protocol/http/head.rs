//! The head of an answer: collected up to its end, then read.

use super::quoted;

/// What a head may be long, in bytes; those of interim answers count too.
const LONGEST: usize = 16 << 10;
/// Headers that it may have.
const MOST: usize = 100;
/// A first line that goes on for longer without being HTTP is none.
const STRANGE: usize = 64;
const BEGIN: &[u8] = b"HTTP/1.";

/// Collects a head.
#[derive(Default)]
pub(super) struct HeadReader {
    buffer: Vec<u8>,
    /// Bytes of the heads before this one.
    before: usize,
}

/// What matters of a head.
pub(super) struct Head {
    pub(super) status: u16,
    /// What the server calls it.
    pub(super) words: String,
    pub(super) framing: Framing,
}

/// Where a body ends (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Why a head cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// No HTTP.
    #[error("expected an answer by HTTP/1, got {0}")]
    NotHttp(String),
    /// Some HTTP, but wrong.
    #[error("the head of the answer cannot be read ({reason}): it begins with {begin}")]
    Malformed {
        /// In words.
        reason: httparse::Error,
        /// Its first bytes.
        begin: String,
    },
    /// A length that is none.
    #[error("expected a number as Content-Length, got {0}")]
    Length(String),
    /// It goes on and on.
    #[error("the head of the answer is longer than {LONGEST} bytes")]
    TooLong,
    /// Nothing came.
    #[error("connection closed without an answer")]
    Nothing,
    /// Not all came.
    #[error("connection closed within the head of the answer, which begins with {0}")]
    Cut(String),
}

impl HeadReader {
    /// Takes bytes up to the end of the head, and leaves what follows.
    pub(super) fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>, HeadError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.buffer.push(byte);
            if self.before + self.buffer.len() > LONGEST {
                return Err(HeadError::TooLong);
            }
            let strange = !self.buffer.starts_with(BEGIN);
            if strange && (byte == b'\n' || self.buffer.len() >= STRANGE) {
                return Err(HeadError::NotHttp(quoted(&self.buffer)));
            }
            if self.buffer.ends_with(b"\n\r\n") || self.buffer.ends_with(b"\n\n") {
                let head = parse(&self.buffer);
                self.before += self.buffer.len();
                self.buffer.clear();
                return head.map(Some);
            }
        }
        Ok(None)
    }

    /// What an end within the head means.
    pub(super) fn closed(&self) -> HeadError {
        match self.buffer.as_slice() {
            [] => HeadError::Nothing,
            bytes if !bytes.starts_with(BEGIN) && !BEGIN.starts_with(bytes) => {
                HeadError::NotHttp(quoted(bytes))
            }
            bytes => HeadError::Cut(quoted(bytes)),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Head, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST];
    let mut response = httparse::Response::new(&mut headers);
    let malformed = |reason| HeadError::Malformed { reason, begin: quoted(bytes) };
    response.parse(bytes).map_err(malformed)?;
    let status = response.code.ok_or_else(|| malformed(httparse::Error::Status))?;
    let words = response.reason.unwrap_or_default().chars().take(60).collect();
    Ok(Head { status, words, framing: framing(response.headers)? })
}

fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, HeadError> {
    let value_of = |name: &str| {
        headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    };
    if let Some(codings) = value_of("transfer-encoding") {
        let chunked = codings.trim_ascii().to_ascii_lowercase().ends_with(b"chunked");
        return Ok(if chunked { Framing::Chunked } else { Framing::UntilClose });
    }
    let Some(length) = value_of("content-length") else { return Ok(Framing::UntilClose) };
    let number = std::str::from_utf8(length).ok().and_then(|text| text.trim().parse().ok());
    number.map(Framing::Length).ok_or_else(|| HeadError::Length(quoted(length)))
}
