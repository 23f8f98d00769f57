//! What a Connection field says, and when a connection may carry another message (RFC 9112, section 9;
//! RFC 9110, section 7.6.1).

use super::fields::{Fields, Known};
use super::framing::{Body, ResponseBody};
use super::{Refusal, Request, Response, Version, bytes};

/// More than any client has reason to send; each costs a comparison with each field.
const MOST_OPTIONS: usize = 32;

/// Fields that `Connection` cannot name away: servers decide by them who asks, and for what.
const KEPT: [&str; 16] = [
    "accept-encoding",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "location",
    "origin",
    "set-cookie",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The options of all Connection fields of a head.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    fields: Fields<'a>,
    /// `close`.
    pub close: bool,
    /// `keep-alive`.
    pub keep_alive: bool,
    /// `upgrade`.
    pub upgrade: bool,
    /// Names of fields that are for the next hop alone.
    names_fields: bool,
}

impl<'a> Options<'a> {
    /// # Errors
    /// [`Refusal::ConnectionOptions`].
    pub fn read(fields: Fields<'a>) -> Result<Self, Refusal> {
        let mut options =
            Self { fields, close: false, keep_alive: false, upgrade: false, names_fields: false };
        for (number, option) in fields.list(Known::Connection).enumerate() {
            if number >= MOST_OPTIONS || !bytes::is_token(option) {
                return Err(Refusal::ConnectionOptions);
            }
            let is = |word: &str| option.eq_ignore_ascii_case(word.as_bytes());
            match option.len() {
                5 if is("close") => options.close = true,
                10 if is("keep-alive") => options.keep_alive = true,
                7 if is("upgrade") => options.upgrade = true,
                _ => options.names_fields = true,
            }
        }
        Ok(options)
    }

    /// Whether a field is for this hop alone, and is not passed on.
    #[must_use]
    pub fn is_hop_by_hop(&self, known: Known, name: &[u8]) -> bool {
        match known {
            Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::Http2Settings => true,
            _ => self.names_fields && self.names(name) && !is_kept(name),
        }
    }

    fn names(&self, name: &[u8]) -> bool {
        self.fields.list(Known::Connection).any(|option| option.eq_ignore_ascii_case(name))
    }
}

fn is_kept(name: &[u8]) -> bool {
    KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept.as_bytes()))
}

/// Whether the client wants another request on its connection (RFC 9112, section 9.3).
#[must_use]
pub fn client_persists(request: &Request<'_>, options: &Options<'_>) -> bool {
    persists(request.version, options)
}

/// Whether the server takes another request on its connection.
#[must_use]
pub fn server_persists(response: &Response<'_>, options: &Options<'_>, body: ResponseBody) -> bool {
    persists(response.version, options)
        && body.body != Body::UntilClose
        && !body.contradicts_itself
        && response.status.code() != 101
}

const fn persists(version: Version, options: &Options<'_>) -> bool {
    match version {
        Version::Http11 => !options.close,
        Version::Http10 => options.keep_alive && !options.close,
    }
}

/// How far an exchange came, when its response is over or given up.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// [`server_persists`].
    pub server_persists: bool,
    /// The whole request has gone to the server. With an early answer it has not.
    pub request_sent: bool,
    /// The whole response has gone to the client.
    pub response_complete: bool,
    /// Bytes came behind the response, which nobody asked for.
    pub unasked: bool,
}

impl Ending {
    /// Whether the server's connection may be used for another request.
    #[must_use]
    pub const fn server_goes_on(&self) -> bool {
        self.server_persists && self.request_sent && self.response_complete && !self.unasked
    }
}

/// How a body is told to the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By its Content-Length, which is passed on; or there is none.
    AsDeclared,
    /// In chunks of our own.
    Chunked,
    /// Its end is the end of the connection.
    UntilClose,
}

impl Delivery {
    /// To a client of this version.
    #[must_use]
    pub const fn of_response(body: Body, client: Version) -> Self {
        match (body, client) {
            (Body::Empty | Body::Length(_), _) => Self::AsDeclared,
            (Body::Chunked | Body::UntilClose, Version::Http11) => Self::Chunked,
            (Body::Chunked | Body::UntilClose, Version::Http10) => Self::UntilClose,
        }
    }
}

#[cfg(test)]
#[path = "connection_test.rs"]
mod tests;
