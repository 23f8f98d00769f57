//! What comes before a stream: a header of the PROXY protocol, a TLS ClientHello, the first bytes of HTTP.
//!
//! Pure, and without a state of its own: a reader looks at all that has arrived so far and says what it is, that more is
//! needed, or what is wrong. So it does not matter how the bytes were cut on their way, nothing is copied while they
//! arrive, and what is not consumed is still there to be forwarded. Each reader has a limit; whoever calls needs no
//! larger buffer.

mod client_hello;
mod host_name;
mod opening;
mod proxy;

pub use self::{
    client_hello::{Alpn, ClientHello, HelloError, MAX_HELLO, read_client_hello},
    host_name::{HostName, HostNameError},
    opening::{Opening, detect},
    proxy::{
        HeaderError, MAX_PROXY_HEADER, ProxiedAddresses, ProxyHeader, TlvError, V1Error, V2Error,
        local_header, read_proxy_header, write_proxy_header,
    },
};

/// What a reader says of the bytes so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// Too few to tell.
    More,
    /// All of it has arrived.
    Done {
        /// What it says.
        value: T,
        /// Bytes of it; what follows them belongs to the stream.
        length: usize,
    },
}

#[cfg(test)]
pub(crate) mod samples;
