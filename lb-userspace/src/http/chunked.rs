//! The chunked transfer coding (RFC 9112, section 7.1), read in any segments.
//!
//! ```text
//! chunked-body = *( size [ extensions ] CRLF data CRLF ) 1*"0" [ extensions ] CRLF trailers CRLF
//! ```
//!
//! Data stays where it is: ranges of the input come out. Extensions are checked and dropped, so that the next
//! reader sees sizes written by [`chunk_head`] and nothing else.

use std::ops::Range;

use super::fields::{BeforeColon, Fields, Places};
use super::lines::{LineLimit, Lines};
use super::{Limits, Refusal, bytes};

/// As many as 64 bits need.
const MOST_DIGITS: u8 = 16;

/// What ends a body; the trailer section and an empty line follow.
pub const LAST_CHUNK: &[u8] = b"0\r\n";

/// Reads one chunked body.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    limits: Limits,
    /// Bytes of extensions so far.
    extensions: usize,
    /// The trailer section; it takes memory only where there is one.
    trailers: Vec<u8>,
    lines: Lines,
    places: Places,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        digits: u8,
        size: u64,
    },
    /// Spaces before a `;`.
    Space {
        size: u64,
    },
    Extension {
        size: u64,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    Trailers,
    Done,
}

const FIRST: State = State::Size { digits: 0, size: 0 };

impl Chunked {
    /// At the beginning of a body.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            state: FIRST,
            limits,
            extensions: 0,
            trailers: Vec::new(),
            lines: Lines::default(),
            places: Places::default(),
        }
    }

    /// Whether the body is over: nothing more of the input belongs to it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next range of data in `input`, from `at` on, which is moved behind it. `None`: everything is read,
    /// or [the body is over](Self::is_done).
    ///
    /// # Errors
    /// What breaks the coding, or is too much.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Range<usize>>, Refusal> {
        while let Some(&byte) = input.get(*at) {
            match self.state {
                State::Data { left } => {
                    let there = input.len() - *at;
                    let length = usize::try_from(left).map_or(there, |left| left.min(there));
                    let data = *at..*at + length;
                    *at = data.end;
                    let left = left - length as u64;
                    self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                    return Ok(Some(data));
                }
                State::Trailers => self.trailer(input, at)?,
                State::Done => return Ok(None),
                _ => {
                    self.state = self.framing(byte)?;
                    *at += 1;
                }
            }
        }
        Ok(None)
    }

    /// One byte between data.
    fn framing(&mut self, byte: u8) -> Result<State, Refusal> {
        Ok(match (self.state, byte) {
            (State::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
                if digits == MOST_DIGITS {
                    return Err(Refusal::Chunk);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                State::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (State::Size { digits: 1.., size }, b'\r') => State::SizeLf { size },
            (State::Size { digits: 1.., size } | State::Space { size }, b' ' | b'\t') => {
                self.extend()?;
                State::Space { size }
            }
            (State::Size { digits: 1.., size } | State::Space { size }, b';') => {
                self.extend()?;
                State::Extension { size }
            }
            (State::Extension { size }, b'\r') => State::SizeLf { size },
            (State::Extension { size }, _) if bytes::is_value(&[byte]) => {
                self.extend()?;
                State::Extension { size }
            }
            (State::SizeLf { size: 0 }, b'\n') => State::Trailers,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => FIRST,
            _ => return Err(Refusal::Chunk),
        })
    }

    fn extend(&mut self) -> Result<(), Refusal> {
        self.extensions += 1;
        if self.extensions > self.limits.extensions() { Err(Refusal::Extensions) } else { Ok(()) }
    }

    /// Takes what there is of a line of the trailer section.
    fn trailer(&mut self, input: &[u8], at: &mut usize) -> Result<(), Refusal> {
        let rest = &input[*at..];
        let limit = self.limits.trailers();
        let room = limit.saturating_sub(self.trailers.len());
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |lf| lf + 1).min(room);
        // Without trailers, which is usual, nothing is copied.
        if self.trailers.is_empty() && rest.starts_with(b"\r\n") {
            *at += 2;
            self.state = State::Done;
            return Ok(());
        }
        self.trailers.extend_from_slice(&rest[..length]);
        *at += length;
        let line = LineLimit { head: limit, line: limit, refusal: Refusal::TrailersTooLarge };
        let too_large = |refusal| match refusal {
            Refusal::HeadTooLarge => Refusal::TrailersTooLarge,
            other => other,
        };
        match self.lines.next(&self.trailers, line).map_err(too_large)? {
            Some((start, end)) if start == end => self.state = State::Done,
            Some(line) => {
                let most = self.limits.fields();
                self.places.add(&self.trailers, line, BeforeColon::Refused, most)?;
            }
            None => {}
        }
        Ok(())
    }

    /// The fields of the trailer section, checked like those of a head, once the body is over.
    #[must_use]
    pub fn trailers(&self) -> Fields<'_> {
        self.places.view(&self.trailers)
    }
}

/// The line before a chunk of this size, and how many bytes of it count. After the data comes CRLF.
#[must_use]
pub fn chunk_head(size: usize) -> ([u8; 18], usize) {
    let mut line = [0; 18];
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1) as usize;
    for (place, byte) in line[..digits].iter_mut().rev().enumerate() {
        *byte = b"0123456789abcdef"[(size >> (4 * place)) & 0xf];
    }
    line[digits..digits + 2].copy_from_slice(b"\r\n");
    (line, digits + 2)
}

#[cfg(test)]
#[path = "chunked_test.rs"]
mod tests;
