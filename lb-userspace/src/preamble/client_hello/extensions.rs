//! The body of a ClientHello, down to the two extensions that routes are chosen by.
//!
//! ```text
//! version (2), random (32), session id (1 + …), cipher suites (2 + …), compression (1 + …), extensions (2 + …)
//! ```

use super::{Alpn, ClientHello, HelloError};
use crate::preamble::{HostName, HostNameError};

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
/// NameType `host_name`: there is no other.
const HOST_NAME: u8 = 0;

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], HelloError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(HelloError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, HelloError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, HelloError> {
        let word = self.take(2)?;
        Ok(u16::from_be_bytes([word[0], word[1]]))
    }

    /// With a length of one byte in front.
    fn short(&mut self) -> Result<&'a [u8], HelloError> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// With a length of two bytes in front.
    fn long(&mut self) -> Result<&'a [u8], HelloError> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// Nothing may be left.
    fn end(&self) -> Result<(), HelloError> {
        if self.0.is_empty() { Ok(()) } else { Err(HelloError::Malformed) }
    }
}

pub(super) fn read(body: &[u8]) -> Result<ClientHello, HelloError> {
    let mut reader = Reader(body);
    reader.take(2 + 32)?;
    reader.short()?;
    reader.long()?;
    reader.short()?;
    let mut hello = ClientHello::default();
    // Clients of TLS 1.0 and 1.1 may have none (RFC 5246, section 7.4.1.2).
    if reader.0.is_empty() {
        return Ok(hello);
    }
    let mut extensions = Reader(reader.long()?);
    reader.end()?;
    let (mut named, mut offered) = (false, false);
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let data = extensions.long()?;
        match kind {
            SERVER_NAME => {
                once(&mut named)?;
                hello.server_name = server_name(data)?;
            }
            ALPN => {
                once(&mut offered)?;
                let mut data = Reader(data);
                hello.alpn = Alpn::read(data.long()?).ok_or(HelloError::Malformed)?;
                data.end()?;
            }
            _ => {}
        }
    }
    Ok(hello)
}

/// The real server might look at the other one of two.
fn once(seen: &mut bool) -> Result<(), HelloError> {
    if std::mem::replace(seen, true) { Err(HelloError::Twice) } else { Ok(()) }
}

/// The one name in the list (RFC 6066, section 3: "MUST NOT contain more than one name of the same name_type").
fn server_name(data: &[u8]) -> Result<Option<HostName>, HelloError> {
    let mut data = Reader(data);
    let mut list = Reader(data.long()?);
    data.end()?;
    if list.u8()? != HOST_NAME {
        return Err(HelloError::Malformed);
    }
    let name = list.long()?;
    list.end()?;
    match HostName::new(name) {
        Ok(name) => Ok(Some(name)),
        // Clients that are given an address where a name belongs do this: most servers look away.
        Err(HostNameError::Address) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
