//! The first handshake message, out of as many records as it takes (RFC 8446, section 5.1).

use std::borrow::Cow;

use super::{HelloError, MAX_HELLO};
use crate::preamble::Progress;

/// ContentType, and the major version that all records have; what follows is to be ignored.
const HANDSHAKE: u8 = 22;
const MAJOR: u8 = 3;
/// Type, version, length.
const RECORD_HEAD: usize = 5;
/// The longest record.
const RECORD_MAX: usize = 1 << 14;
/// HandshakeType and length (three bytes).
const MESSAGE_HEAD: usize = 4;
const CLIENT_HELLO: u8 = 1;

/// The body of a ClientHello, and how many bytes have brought it. Copied only where it has more than one record.
pub(super) fn message(bytes: &[u8]) -> Result<Progress<Cow<'_, [u8]>>, HelloError> {
    let seen = &bytes[..bytes.len().min(MAX_HELLO)];
    let mut found = Cow::Borrowed(&[][..]);
    let mut at = 0;
    while let Some((length, payload)) = record(&seen[at..], at == 0)? {
        let start = at + RECORD_HEAD;
        let before = found.len();
        let here = &payload[..payload.len().min(length)];
        if at == 0 {
            found = Cow::Borrowed(here);
        } else {
            found.to_mut().extend_from_slice(here);
        }
        if let Some(end) = end(&found)? {
            // It did not end in the records before this one.
            let last = start + (end - before);
            if last > MAX_HELLO {
                return Err(HelloError::TooLong);
            }
            if found.len() >= end {
                return Ok(Progress::Done { value: body(found, end), length: last });
            }
        }
        at = start + length;
        if at > seen.len() {
            break;
        }
    }
    if bytes.len() < MAX_HELLO { Ok(Progress::More) } else { Err(HelloError::TooLong) }
}

fn body(message: Cow<'_, [u8]>, end: usize) -> Cow<'_, [u8]> {
    match message {
        Cow::Borrowed(message) => Cow::Borrowed(&message[MESSAGE_HEAD..end]),
        Cow::Owned(message) => Cow::Owned(message[MESSAGE_HEAD..end].to_vec()),
    }
}

/// The length of the next record's payload and what there is of it; `None` while its head is not there.
fn record(bytes: &[u8], first: bool) -> Result<Option<(usize, &[u8])>, HelloError> {
    let other = if first { HelloError::NotTls } else { HelloError::Record };
    let fits = |at: usize, wanted| bytes.get(at).is_none_or(|byte| *byte == wanted);
    if !fits(0, HANDSHAKE) || !fits(1, MAJOR) {
        return Err(other);
    }
    let Some((head, payload)) = bytes.split_first_chunk::<RECORD_HEAD>() else { return Ok(None) };
    match usize::from(u16::from_be_bytes([head[3], head[4]])) {
        length @ 1..=RECORD_MAX => Ok(Some((length, payload))),
        _ => Err(HelloError::Record),
    }
}

/// Where the message ends; `None` while its head is not there.
fn end(message: &[u8]) -> Result<Option<usize>, HelloError> {
    if let Some(&other) = message.first().filter(|kind| **kind != CLIENT_HELLO) {
        return Err(HelloError::Message(other));
    }
    let Some(&[_, high, middle, low]) = message.first_chunk::<MESSAGE_HEAD>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    Ok(Some(MESSAGE_HEAD + length))
}
