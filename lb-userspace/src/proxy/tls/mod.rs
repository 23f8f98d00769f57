//! TLS with clients and with servers: rustls, driven by the data thread itself.
//!
//! ```text
//! client: hello ─▶ which configuration (ALPN) ─▶ handshake ─▶ TlsStream: a Transport as any other
//! server: connect ─▶ handshake ─▶ TlsStream
//! ```

mod handshake;
mod servers;
mod settings;
mod stream;

pub(super) use self::handshake::{NoHandshake, accept};
pub(super) use self::servers::{NoTls, connect};
pub use self::servers::{ServerTls, ServerTlsSettings};
pub use self::settings::{Clients, Tls, TlsError, TlsSettings, Versions};
pub(super) use self::stream::TlsStream;

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
