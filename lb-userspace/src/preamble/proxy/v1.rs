//! Version 1: one line of text (section 2.1).
//!
//! ```text
//! PROXY TCP4 198.51.100.22 203.0.113.7 35646 80\r\n
//! PROXY UNKNOWN … \r\n
//! ```

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{ProxiedAddresses, ProxyHeader};
use crate::preamble::Progress;

pub(super) const BEGIN: &[u8] = b"PROXY ";
/// The longest line, its end included.
const LONGEST: usize = 107;

/// What is wrong with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum V1Error {
    /// It does not end within 107 bytes.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Ended by a line feed alone, or a carriage return within it.
    #[error("the line does not end with CR and LF")]
    LineEnd,
    /// Neither TCP4, TCP6 nor UNKNOWN.
    #[error("the family is none of TCP4, TCP6 and UNKNOWN")]
    Family,
    /// Not four words after the family, each behind one space.
    #[error("not two addresses and two ports, each behind one space")]
    Shape,
    /// No address of the family in its usual form.
    #[error("an address that is none of the family")]
    Address,
    /// Not 0 to 65535, or with zeros in front.
    #[error("a port is a number from 0 to 65535, without zeros in front")]
    Port,
}

/// Reads a line whose first bytes are [`BEGIN`], as far as they are there.
pub(super) fn read(bytes: &[u8]) -> Result<Progress<ProxyHeader>, V1Error> {
    let seen = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = seen.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return if seen.len() == LONGEST { Err(V1Error::TooLong) } else { Ok(Progress::More) };
    };
    match &seen[end..] {
        [b'\r', b'\n', ..] => {}
        [b'\r'] if seen.len() == LONGEST => return Err(V1Error::TooLong),
        [b'\r'] => return Ok(Progress::More),
        _ => return Err(V1Error::LineEnd),
    }
    // Of the line at least `BEGIN` is there: it has neither CR nor LF.
    let value = line(&seen[BEGIN.len()..end])?;
    Ok(Progress::Done { value, length: end + 2 })
}

fn line(words: &[u8]) -> Result<ProxyHeader, V1Error> {
    // What follows UNKNOWN is not looked at (section 2.1).
    if words == b"UNKNOWN" || words.starts_with(b"UNKNOWN ") {
        return Ok(ProxyHeader::Local);
    }
    let text = std::str::from_utf8(words).map_err(|_| V1Error::Shape)?;
    let mut words = text.split(' ');
    let addresses = match words.next() {
        Some("TCP4") => ends::<Ipv4Addr>,
        Some("TCP6") => ends::<Ipv6Addr>,
        _ => return Err(V1Error::Family),
    };
    let (Some(source), Some(destination), Some(from), Some(to), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(V1Error::Shape);
    };
    let [source, destination] = addresses([source, destination])?;
    Ok(ProxyHeader::Proxied(ProxiedAddresses {
        source: SocketAddr::new(source, port(from)?),
        destination: SocketAddr::new(destination, port(to)?),
    }))
}

fn ends<A: FromStr + Into<IpAddr>>(
    [source, destination]: [&str; 2],
) -> Result<[IpAddr; 2], V1Error> {
    let address = |text: &str| text.parse::<A>().map(Into::into).map_err(|_| V1Error::Address);
    Ok([address(source)?, address(destination)?])
}

fn port(text: &str) -> Result<u16, V1Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(V1Error::Port);
    }
    text.parse().map_err(|_| V1Error::Port)
}
