//! A body as it arrives: what of the input is data, and where the message ends.

use std::ops::Range;

use super::framing::Body;
use super::{Chunked, Fields, Limits, Refusal};

/// Reads one body, however it ends.
#[derive(Debug)]
pub struct BodyReader {
    kind: Kind,
    /// Bytes of data that are still allowed.
    allowed: u64,
}

#[derive(Debug)]
enum Kind {
    Length(u64),
    Chunked(Chunked),
    UntilClose { closed: bool },
}

/// The connection ended inside a body (RFC 9112, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection ended inside a body")]
pub struct Truncated;

impl BodyReader {
    /// For a body that ends so, of at most `largest` bytes.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`]: its length says so already.
    pub fn new(body: Body, limits: Limits, largest: u64) -> Result<Self, Refusal> {
        let kind = match body {
            Body::Empty => Kind::Length(0),
            Body::Length(length) if length > largest => return Err(Refusal::BodyTooLarge),
            Body::Length(length) => Kind::Length(length),
            Body::Chunked => Kind::Chunked(Chunked::new(limits)),
            Body::UntilClose => Kind::UntilClose { closed: false },
        };
        Ok(Self { kind, allowed: largest })
    }

    /// The next range of data in `input`, from `at` on, which is moved behind it. `None`: the input is used up,
    /// or [the body is over](Self::is_done); what then is left of the input belongs to the next message.
    ///
    /// # Errors
    /// What breaks the coding, or is too much.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Range<usize>>, Refusal> {
        let there = input.len().saturating_sub(*at);
        let length = match &mut self.kind {
            Kind::Length(left) => {
                let length = usize::try_from(*left).map_or(there, |left| left.min(there));
                *left -= length as u64;
                length
            }
            Kind::UntilClose { closed: false } => there,
            Kind::UntilClose { closed: true } => 0,
            Kind::Chunked(chunked) => {
                let data = chunked.next(input, at)?;
                let length = data.as_ref().map_or(0, ExactSizeIterator::len) as u64;
                self.allowed = self.allowed.checked_sub(length).ok_or(Refusal::BodyTooLarge)?;
                return Ok(data);
            }
        };
        if length == 0 {
            return Ok(None);
        }
        self.allowed = self.allowed.checked_sub(length as u64).ok_or(Refusal::BodyTooLarge)?;
        let data = *at..*at + length;
        *at = data.end;
        Ok(Some(data))
    }

    /// Whether all of it has come.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.kind {
            Kind::Length(left) => *left == 0,
            Kind::Chunked(chunked) => chunked.is_done(),
            Kind::UntilClose { closed } => *closed,
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`Truncated`]: not where the body does. The other side must learn of it: its connection is closed, too,
    /// before the body is complete.
    pub fn close(&mut self) -> Result<(), Truncated> {
        if let Kind::UntilClose { closed } = &mut self.kind {
            *closed = true;
        }
        if self.is_done() { Ok(()) } else { Err(Truncated) }
    }

    /// Bytes that are still to come, where the length is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.kind {
            Kind::Length(left) => Some(left),
            Kind::Chunked(_) | Kind::UntilClose { .. } => None,
        }
    }

    /// So many bytes of a body whose length is known have gone by unread.
    pub fn pass(&mut self, length: u64) {
        if let Kind::Length(left) = &mut self.kind {
            *left = left.saturating_sub(length);
            self.allowed = self.allowed.saturating_sub(length);
        }
    }

    /// The trailer section of a chunked body that is over.
    #[must_use]
    pub fn trailers(&self) -> Option<Fields<'_>> {
        match &self.kind {
            Kind::Chunked(chunked) => Some(chunked.trailers()).filter(|fields| !fields.is_empty()),
            Kind::Length(_) | Kind::UntilClose { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "body_test.rs"]
mod tests;
