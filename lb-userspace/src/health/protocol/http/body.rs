//! The body of an answer: its first bytes are kept, or its digest is, and its end is noticed.

use sha2::{Digest as _, Sha256};

use super::{Framing, quoted};
use crate::model::BodyDigest;

/// So much of a body is looked at, in bytes.
const LOOKED_AT: usize = 64 << 10;

/// A body that comes in.
pub(super) struct Body {
    kept: Vec<u8>,
    /// Of all of it, where that is asked for: then it is read to its end.
    digest: Option<Sha256>,
    place: Place,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// So many bytes, and then the end.
    Length(u64),
    UntilClose,
    /// The size of a chunk: what its digits say so far, and how many those are (RFC 9112, section 7.1).
    Size {
        size: u64,
        digits: u8,
    },
    /// The rest of the line with the size.
    Extension {
        size: u64,
    },
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line break behind a chunk.
    Break,
    /// Nothing more.
    End,
}

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A chunk without a size.
    #[error("expected the size of a chunk, got {0}")]
    Chunk(String),
    /// Not all came.
    #[error("connection closed within the body, after {0} bytes of it")]
    Cut(usize),
}

impl Body {
    pub(super) fn new(framing: Framing, with_digest: bool) -> Self {
        let place = match framing {
            Framing::Length(0) => Place::End,
            Framing::Length(length) => Place::Length(length),
            Framing::Chunked => Place::Size { size: 0, digits: 0 },
            Framing::UntilClose => Place::UntilClose,
        };
        Self { kept: Vec::new(), digest: with_digest.then(Sha256::new), place }
    }

    /// The digest of what has come, where it was asked for.
    pub(super) fn digest(&self) -> Option<BodyDigest> {
        self.digest.clone().map(BodyDigest::of)
    }

    /// Its first bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// Nothing more will be looked at.
    pub(super) fn is_over(&self) -> bool {
        self.place == Place::End || (self.digest.is_none() && self.is_cut())
    }

    /// It is at least as long as what is looked at of it.
    pub(super) fn is_cut(&self) -> bool {
        self.kept.len() == LOOKED_AT
    }

    /// Takes what comes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let mut rest = bytes;
        while let (Some(&byte), false) = (rest.first(), self.is_over()) {
            let used = match self.place {
                Place::Length(left) | Place::Chunk(left) => {
                    let part = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.keep(&rest[..part]);
                    self.place = self.behind(left - part as u64);
                    part
                }
                Place::UntilClose => {
                    self.keep(rest);
                    rest.len()
                }
                Place::Size { .. } | Place::Extension { .. } | Place::Break => {
                    self.place =
                        self.line(byte).ok_or_else(|| BodyError::Chunk(quoted(&[byte])))?;
                    1
                }
                Place::End => break,
            };
            rest = &rest[used..];
        }
        Ok(())
    }

    /// The connection ends here.
    pub(super) fn close(&mut self) -> Result<(), BodyError> {
        match self.place {
            Place::UntilClose | Place::End => Ok(()),
            _ => Err(BodyError::Cut(self.kept.len())),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LOOKED_AT - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    fn behind(&self, left: u64) -> Place {
        match (self.place, left) {
            (Place::Chunk(_), 0) => Place::Break,
            (Place::Chunk(_), left) => Place::Chunk(left),
            (_, 0) => Place::End,
            (_, left) => Place::Length(left),
        }
    }

    /// One byte of what stands between chunks; `None` where it has no meaning.
    fn line(&self, byte: u8) -> Option<Place> {
        Some(match (self.place, byte) {
            (Place::Size { digits: 1.., size }, b'\n') | (Place::Extension { size }, b'\n') => {
                match size {
                    0 => Place::End,
                    size => Place::Chunk(size),
                }
            }
            (Place::Size { digits: 1.., size }, b'\r' | b' ' | b'\t' | b';') => {
                Place::Extension { size }
            }
            (Place::Size { size, digits }, byte) if digits < 15 => {
                let digit = char::from(byte).to_digit(16)?;
                Place::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (place @ Place::Extension { .. }, _) | (place @ Place::Break, b'\r') => place,
            (Place::Break, b'\n') => Place::Size { size: 0, digits: 0 },
            _ => return None,
        })
    }
}
