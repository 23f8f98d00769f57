//! The PROXY protocol, both versions, both ways: who the client is, said by the proxy in front of this one, or to the
//! server behind it ("The PROXY protocol, versions 1 & 2", haproxy.org).
//!
//! Written here and not with the crate `proxy-header`: a reader of what strangers may send refuses whatever is not the one
//! form of the specification, as early as that is seen, bounds the fields and checks their CRC32c, and says what is wrong
//! in a word for the log. The crate has one error for all of it, and takes lines over 107 bytes, `UNKNOWN` with letters
//! behind it and ports with a sign.

mod crc32c;
mod tlv;
mod v1;
mod v2;
mod write;

pub use self::{
    tlv::TlvError,
    v1::V1Error,
    v2::V2Error,
    write::{local_header, write_proxy_header},
};

use std::net::SocketAddr;

use super::{Progress, opening::begins};

/// The longest header that is read, in bytes. Version 1 has at most 107; the addresses of version 2 at most 232, and TLVs
/// have the rest.
pub const MAX_PROXY_HEADER: usize = 4_096;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The sender speaks for itself, or does not say for whom: the addresses of the connection count. `LOCAL`, `UNSPEC`,
    /// `UNKNOWN`, and ends that are Unix sockets.
    Local,
    /// It speaks for this connection.
    Proxied(ProxiedAddresses),
}

/// Both ends of a proxied TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxiedAddresses {
    /// The client.
    pub source: SocketAddr,
    /// Where the client went.
    pub destination: SocketAddr,
}

/// What is wrong with a header: always the fault of who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Something else came first.
    #[error("no header of the PROXY protocol")]
    Missing,
    /// In version 1.
    #[error("header of the PROXY protocol, version 1: {0}")]
    V1(#[from] V1Error),
    /// In version 2.
    #[error("header of the PROXY protocol, version 2: {0}")]
    V2(#[from] V2Error),
}

/// Reads a header of either version from the begin of what has arrived.
///
/// # Errors
/// What is wrong with it, as soon as that is seen.
pub fn read_proxy_header(bytes: &[u8]) -> Result<Progress<ProxyHeader>, HeaderError> {
    if begins(bytes, v2::SIGNATURE) {
        return Ok(v2::read(bytes)?);
    }
    if begins(bytes, v1::BEGIN) {
        return Ok(v1::read(bytes)?);
    }
    Err(HeaderError::Missing)
}

#[cfg(test)]
#[path = "proxy_test.rs"]
mod tests;
