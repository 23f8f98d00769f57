//! One copied packet, as the ring buffer holds it: [`Seen`] and the first bytes of the frame.

use lb_common::abi::{Reason, Seen};

/// Which way a packet was going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As it came in.
    In,
    /// As it goes out.
    Out,
}

/// A copied packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub at: u64,
    /// Index of the interface.
    pub interface: u32,
    /// Length of the frame, of which [`Record::bytes`] is the beginning.
    pub length: u32,
    /// Which way.
    pub direction: Direction,
    /// Why it was dropped, where it was.
    pub dropped: Option<Reason>,
    /// What was kept of the frame.
    pub bytes: &'a [u8],
}

/// Bytes that are no record: of another version of the program, or cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Shorter than what stands in front of every packet.
    #[error("a captured packet of {0} bytes is shorter than its header")]
    Header(usize),
    /// Not as many bytes as it says.
    #[error("a captured packet says that {said} bytes follow, but {follow} do")]
    Kept {
        /// Said in the header.
        said: u32,
        /// There.
        follow: usize,
    },
    /// More kept than there was.
    #[error("a captured packet of {length} bytes has {kept} bytes kept")]
    Length {
        /// Of the frame.
        length: u32,
        /// Of what was kept.
        kept: u32,
    },
    /// Neither in nor out.
    #[error("a captured packet has the unknown direction {0}")]
    Direction(u16),
    /// A reason that this version does not know.
    #[error("a captured packet was dropped for the unknown reason {0}")]
    Reason(u16),
}

impl<'a> Record<'a> {
    /// Reads a record; `bytes` is all of it and nothing else.
    ///
    /// # Errors
    /// [`RecordError`]: it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let (seen, kept) = split(bytes).ok_or(RecordError::Header(bytes.len()))?;
        if u32::try_from(kept.len()) != Ok(seen.kept) {
            return Err(RecordError::Kept { said: seen.kept, follow: kept.len() });
        }
        if seen.kept > seen.length {
            return Err(RecordError::Length { length: seen.length, kept: seen.kept });
        }
        let direction = match seen.out {
            0 => Direction::In,
            1 => Direction::Out,
            other => return Err(RecordError::Direction(other)),
        };
        let dropped = match seen.reason.checked_sub(1) {
            None => None,
            Some(number) => {
                let reason = Reason::ALL.get(usize::from(number)).copied();
                Some(reason.ok_or(RecordError::Reason(number))?)
            }
        };
        let Seen { at, interface, length, .. } = seen;
        Ok(Self { at, interface, length, direction, dropped, bytes: kept })
    }
}

/// The header, in the host's own order, and what follows it.
fn split(bytes: &[u8]) -> Option<(Seen, &[u8])> {
    let (at, rest) = bytes.split_first_chunk()?;
    let (interface, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (kept, rest) = rest.split_first_chunk()?;
    let (out, rest) = rest.split_first_chunk()?;
    let (reason, rest) = rest.split_first_chunk()?;
    let seen = Seen {
        at: u64::from_ne_bytes(*at),
        interface: u32::from_ne_bytes(*interface),
        length: u32::from_ne_bytes(*length),
        kept: u32::from_ne_bytes(*kept),
        out: u16::from_ne_bytes(*out),
        reason: u16::from_ne_bytes(*reason),
    };
    Some((seen, rest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The bytes that XDP writes.
    pub(crate) fn written(seen: Seen, kept: &[u8]) -> Vec<u8> {
        let mut bytes = seen.at.to_ne_bytes().to_vec();
        for word in [seen.interface, seen.length, seen.kept] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(seen.out.to_ne_bytes());
        bytes.extend(seen.reason.to_ne_bytes());
        assert_eq!(bytes.len(), size_of::<Seen>());
        bytes.extend(kept);
        bytes
    }

    const SEEN: Seen = Seen { at: 7, interface: 2, length: 60, kept: 3, out: 0, reason: 0 };

    #[test]
    fn what_xdp_writes_is_read() {
        let bytes = written(Seen { out: 1, ..SEEN }, b"abc");
        let record = Record::parse(&bytes).unwrap();
        assert_eq!((record.at, record.interface, record.length), (7, 2, 60));
        assert_eq!((record.direction, record.dropped), (Direction::Out, None));
        assert_eq!(record.bytes, b"abc");
        let dropped = written(Seen { reason: Reason::NoReal as u16 + 1, ..SEEN }, b"abc");
        assert_eq!(Record::parse(&dropped).unwrap().dropped, Some(Reason::NoReal));
    }

    #[test]
    fn lengths_that_lie() {
        for (seen, kept, error) in [
            (SEEN, &b"ab"[..], RecordError::Kept { said: 3, follow: 2 }),
            (SEEN, b"abcd", RecordError::Kept { said: 3, follow: 4 }),
            (
                Seen { kept: u32::MAX, ..SEEN },
                b"abc",
                RecordError::Kept { said: u32::MAX, follow: 3 },
            ),
            (Seen { length: 2, ..SEEN }, b"abc", RecordError::Length { length: 2, kept: 3 }),
            (Seen { out: 2, ..SEEN }, b"abc", RecordError::Direction(2)),
            (Seen { reason: u16::MAX, ..SEEN }, b"abc", RecordError::Reason(u16::MAX - 1)),
        ] {
            assert_eq!(Record::parse(&written(seen, kept)), Err(error));
        }
        let whole = written(SEEN, b"abc");
        for cut in 0..whole.len() {
            assert!(Record::parse(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
