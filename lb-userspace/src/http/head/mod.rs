//! Heads of requests and responses, read in place.

mod authority;
mod method;
mod request;
mod response;
mod target;

pub use authority::Authority;
pub use method::Method;
pub use request::{Request, RequestReader};
pub use response::{Response, ResponseReader};
pub use target::Target;

use super::Refusal;

/// The version in a head. `HTTP/1.2` and up to `1.9` mean 1.1 (RFC 9110, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: one request a connection, unless asked otherwise.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    /// `HTTP-version = %s"HTTP/" DIGIT "." DIGIT`, RFC 9112, section 2.3.
    fn parse(bytes: &[u8]) -> Option<Result<Self, Refusal>> {
        let [major, b'.', minor] = bytes.strip_prefix(b"HTTP/")? else { return None };
        match (major, minor) {
            (b'1', b'0') => Some(Ok(Self::Http10)),
            (b'1', b'1'..=b'9') => Some(Ok(Self::Http11)),
            (b'0'..=b'9', b'0'..=b'9') => Some(Err(Refusal::Version)),
            _ => None,
        }
    }

    /// As it stands in a head.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}
