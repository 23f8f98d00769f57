//! Version 2: binary (section 2.2).
//!
//! ```text
//!  0                  12        13         14        16
//! ┌──────────────────┬─────────┬──────────┬─────────┬───────────────────────────────┐
//! │ signature        │ version │ family   │ length  │ addresses, ports, then fields │
//! │                  │ command │ protocol │ (rest)  │ (type, length, value)         │
//! └──────────────────┴─────────┴──────────┴─────────┴───────────────────────────────┘
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    MAX_PROXY_HEADER, ProxiedAddresses, ProxyHeader,
    tlv::{self, TlvError},
};
use crate::preamble::Progress;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and protocol, length.
const HEAD: usize = SIGNATURE.len() + 4;
/// Two addresses and two ports of each family.
const V4: usize = 12;
const V6: usize = 36;
const UNIX: usize = 216;

const LOCAL: u8 = 0x20;
pub(super) const PROXY: u8 = 0x21;
const UNSPEC: u8 = 0x00;
pub(super) const TCP4: u8 = 0x11;
pub(super) const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

/// What is wrong with the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum V2Error {
    /// Another version, or a command that the specification has not.
    #[error("version and command {0:#04x}")]
    Command(u8),
    /// One that the specification has not, or datagrams on a stream.
    #[error("family and protocol {0:#04x}, which are no stream")]
    Family(u8),
    /// More than is read.
    #[error("{0} bytes, and at most {MAX_PROXY_HEADER} are read")]
    TooLong(usize),
    /// Too short for the addresses of its family.
    #[error("no room for the addresses")]
    TooShort,
    /// In the fields behind the addresses.
    #[error(transparent)]
    Field(#[from] TlvError),
}

/// Reads a header whose first bytes are [`SIGNATURE`], as far as they are there.
pub(super) fn read(bytes: &[u8]) -> Result<Progress<ProxyHeader>, V2Error> {
    let after = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let command = match after.first() {
        None => return Ok(Progress::More),
        Some(&known @ (LOCAL | PROXY)) => known,
        Some(&other) => return Err(V2Error::Command(other)),
    };
    let Some(&[family, high, low]) = after.get(1..4) else { return Ok(Progress::More) };
    let length = HEAD + usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_PROXY_HEADER {
        return Err(V2Error::TooLong(length));
    }
    // What goes with LOCAL is discarded whatever it is, the family included; so are the addresses of UNSPEC, whose
    // length nobody knows, and with them the fields.
    let addresses = match (command, family) {
        (LOCAL, _) | (_, UNSPEC) => None,
        (_, TCP4) => Some(V4),
        (_, TCP6) => Some(V6),
        (_, UNIX_STREAM) => Some(UNIX),
        _ => return Err(V2Error::Family(family)),
    };
    if addresses.is_some_and(|addresses| HEAD + addresses > length) {
        return Err(V2Error::TooShort);
    }
    let Some(header) = bytes.get(..length) else { return Ok(Progress::More) };
    if let Some(addresses) = addresses {
        tlv::check(header, HEAD + addresses)?;
    }
    let rest = &header[HEAD..];
    let value = match addresses {
        Some(V4) => proxied::<4>(rest, |octets| Ipv4Addr::from(octets).into()),
        Some(V6) => proxied::<16>(rest, |octets| Ipv6Addr::from(octets).into()),
        _ => None,
    };
    Ok(Progress::Done { value: value.unwrap_or(ProxyHeader::Local), length })
}

/// Source, destination, and their ports; `None` never, as the length was checked.
fn proxied<const N: usize>(bytes: &[u8], address: fn([u8; N]) -> IpAddr) -> Option<ProxyHeader> {
    let (source, rest) = bytes.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let to = rest.first_chunk::<2>()?;
    Some(ProxyHeader::Proxied(ProxiedAddresses {
        source: SocketAddr::new(address(*source), u16::from_be_bytes(*from)),
        destination: SocketAddr::new(address(*destination), u16::from_be_bytes(*to)),
    }))
}
