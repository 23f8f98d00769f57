//! The additional fields of version 2 (section 2.2): passed over, but for the checksum.

use super::crc32c::crc32c;

/// PP2_TYPE_CRC32C (section 2.2.3).
const CRC32C: u8 = 0x03;
/// Type and length.
const HEAD: usize = 3;

/// What is wrong with the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// One ends behind the header.
    #[error("a field is longer than the header")]
    Truncated,
    /// A checksum that is not 4 bytes long.
    #[error("a checksum of {0} bytes")]
    ChecksumLength(usize),
    /// More than one.
    #[error("two checksums")]
    TwoChecksums,
    /// The header was changed on its way.
    #[error("wrong checksum")]
    Checksum,
}

/// Walks through the fields, from `at` to the end of `header`, and checks the sum over all of it.
pub(super) fn check(header: &[u8], mut at: usize) -> Result<(), TlvError> {
    let mut sum = None;
    while at < header.len() {
        let Some([kind, high, low]) = header.get(at..at + HEAD) else {
            return Err(TlvError::Truncated);
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let value = at + HEAD;
        let Some(bytes) = header.get(value..value + length) else {
            return Err(TlvError::Truncated);
        };
        if *kind == CRC32C {
            let wanted: [u8; 4] =
                bytes.try_into().map_err(|_| TlvError::ChecksumLength(bytes.len()))?;
            if sum.replace((value, u32::from_be_bytes(wanted))).is_some() {
                return Err(TlvError::TwoChecksums);
            }
        }
        at = value + length;
    }
    let Some((place, wanted)) = sum else { return Ok(()) };
    // Its own bytes count as zeros.
    let hidden = |(index, byte): (usize, &u8)| {
        if (place..place + 4).contains(&index) { 0 } else { *byte }
    };
    if crc32c(header.iter().enumerate().map(hidden)) == wanted {
        Ok(())
    } else {
        Err(TlvError::Checksum)
    }
}
