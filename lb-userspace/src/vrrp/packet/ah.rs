//! The IP authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403), as keepalived uses it for version 2.
//!
//! The SPI is the sender's address. Numbers are counted up by the sender, and not checked by the receiver: with
//! a key set by hand they start again with every restart (RFC 2402 §3.4.3).

use std::net::Ipv4Addr;

use hmac::{Hmac, Mac};
use md5::Md5;

use super::{PROTOCOL, Reject, ipv4};
use crate::vrrp::types::Key;

/// Bytes of the header.
pub(super) const LENGTH: usize = 24;
const CODE: usize = 12;
/// In words of 4 bytes, less two (RFC 2402 §2.2).
const LENGTH_FIELD: u8 = 4;

/// The header for a message: the code covers the IP header, this one without code, and the message.
pub(super) fn header(
    key: &Key,
    ip: &[u8],
    source: Ipv4Addr,
    sequence: u32,
    message: &[u8],
) -> [u8; LENGTH] {
    let mut header = [0; LENGTH];
    header[..2].copy_from_slice(&[PROTOCOL, LENGTH_FIELD]);
    header[4..8].copy_from_slice(&source.octets());
    header[8..LENGTH - CODE].copy_from_slice(&sequence.to_be_bytes());
    let code = keyed(key, ip, &header, message).map(|mac| mac.finalize().into_bytes());
    if let Some(code) = code {
        header[LENGTH - CODE..].copy_from_slice(&code[..CODE]);
    }
    header
}

/// The message behind the header that `payload` begins with.
pub(super) fn message(payload: &[u8]) -> Result<(&[u8; LENGTH], &[u8]), Reject> {
    let (header, message) = payload.split_first_chunk::<LENGTH>().ok_or(Reject::Ip)?;
    if header[..2] == [PROTOCOL, LENGTH_FIELD] { Ok((header, message)) } else { Err(Reject::Ip) }
}

/// Was it made with our key?
pub(super) fn verify(
    key: &Key,
    ip: &[u8],
    header: &[u8; LENGTH],
    message: &[u8],
) -> Result<(), Reject> {
    let mut bare = *header;
    bare[LENGTH - CODE..].fill(0);
    let code = &header[LENGTH - CODE..];
    let mac = keyed(key, ip, &bare, message).ok_or(Reject::AuthenticationData)?;
    mac.verify_truncated_left(code).map_err(|_| Reject::AuthenticationData)
}

/// `None` never happens: HMAC takes a key of any length.
fn keyed(key: &Key, ip: &[u8], header: &[u8; LENGTH], message: &[u8]) -> Option<Hmac<Md5>> {
    let mac = Hmac::<Md5>::new_from_slice(key.bytes()).ok()?;
    Some(mac.chain_update(ipv4::immutable(ip)).chain_update(header).chain_update(message))
}
