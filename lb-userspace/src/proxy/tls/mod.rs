//! TLS from clients: rustls, driven by the data thread itself.
//!
//! ```text
//! hello ─▶ which configuration (ALPN) ─▶ handshake ─▶ TlsStream: a Transport as any other
//! ```

mod handshake;
mod settings;
mod stream;

pub(super) use self::handshake::{NoHandshake, accept};
pub use self::settings::{Clients, Tls, TlsError, TlsSettings, Versions};
use self::stream::TlsStream;

/// What logs, routes and servers are told of a client's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// In OpenSSL's words, as HAProxy logs it: `TLSv1.3`.
    pub(super) version: &'static str,
    /// By its name at IANA.
    pub(super) cipher: &'static str,
    /// The name that the client asked for.
    pub(super) sni: Option<Box<str>>,
}
