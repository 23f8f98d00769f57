//! What a TLS ClientHello asks for, read without ending TLS: pass-through routes by it (RFC 8446, section 4.1.2;
//! RFC 6066, section 3; RFC 7301, section 3.1).
//!
//! Not by rustls' `Acceptor`, because the connection is not for us: the real server is the judge of a hello, and may like
//! what rustls refuses (old versions, other groups). The acceptor also takes the bytes into buffers of its own, while they
//! have to go on to the server as they came. Here they stay where they are, and only the name and the list of protocols
//! are copied. The fuzzer holds both against each other: where rustls accepts a hello, it has the same name.

mod extensions;
mod records;

use super::{
    Progress,
    host_name::{HostName, HostNameError},
};

/// The longest hello that is read, with the headers of its records, in bytes.
pub const MAX_HELLO: usize = 16_384;

/// What is known of a hello.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClientHello {
    /// The host that it is for (SNI); none where none is given, or an address, which RFC 6066 does not allow. Of an
    /// encrypted hello it is the public name.
    pub server_name: Option<HostName>,
    /// The protocols that it offers, the best first (ALPN); empty where it has no such extension.
    pub alpn: Alpn,
}

/// The protocols of a hello.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Alpn(Vec<u8>);

impl Alpn {
    /// Each with its length in front, checked. None of them is empty.
    fn read(list: &[u8]) -> Option<Self> {
        let mut rest = list;
        while let Some((&length, names)) = rest.split_first() {
            rest = names.get(usize::from(length)..)?;
            if length == 0 {
                return None;
            }
        }
        (!list.is_empty()).then(|| Self(list.to_vec()))
    }

    /// The protocols, the best first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (&length, names) = rest.split_first()?;
            let (name, others) = names.split_at_checked(usize::from(length))?;
            rest = others;
            Some(name)
        })
    }

    /// Is this one of them?
    #[must_use]
    pub fn offers(&self, protocol: &[u8]) -> bool {
        self.iter().any(|name| name == protocol)
    }
}

/// What is wrong with a hello: always the fault of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The first bytes are no handshake.
    #[error("this is not TLS")]
    NotTls,
    /// More than is read.
    #[error("a ClientHello of more than {MAX_HELLO} bytes")]
    TooLong,
    /// An empty record, one that is too long, or of another type before the end of the hello.
    #[error("a broken TLS record within the ClientHello")]
    Record,
    /// The first message is another one.
    #[error("handshake message {0} in place of a ClientHello")]
    Message(u8),
    /// A length within it leads out of it.
    #[error("a broken ClientHello")]
    Malformed,
    /// An extension that routes are chosen by is there twice.
    #[error("a ClientHello with an extension twice")]
    Twice,
    /// The name is none.
    #[error("the server name of a ClientHello: {0}")]
    Name(#[from] HostNameError),
}

/// Reads a hello from the begin of what has arrived. Its length is that of the records that have it.
///
/// # Errors
/// What is wrong with it, as soon as that is seen.
pub fn read_client_hello(bytes: &[u8]) -> Result<Progress<ClientHello>, HelloError> {
    match records::message(bytes)? {
        Progress::More => Ok(Progress::More),
        Progress::Done { value: body, length } => {
            Ok(Progress::Done { value: extensions::read(&body)?, length })
        }
    }
}

#[cfg(test)]
#[path = "client_hello_test.rs"]
mod tests;
