//! Methods (RFC 9110, section 9).

use super::super::{Refusal, bytes};

/// The longest that is taken.
const LONGEST: usize = 32;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
    /// `TRACE`.
    Trace,
    /// `CONNECT`.
    Connect,
    /// Another token.
    Other(&'a [u8]),
}

impl<'a> Method<'a> {
    /// Names are case-sensitive.
    pub(super) fn parse(name: &'a [u8]) -> Result<Self, Refusal> {
        Ok(match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ if bytes::is_token(name) && name.len() <= LONGEST => Self::Other(name),
            _ => return Err(Refusal::Method),
        })
    }

    /// As it was written.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Get => b"GET",
            Self::Head => b"HEAD",
            Self::Post => b"POST",
            Self::Put => b"PUT",
            Self::Delete => b"DELETE",
            Self::Options => b"OPTIONS",
            Self::Trace => b"TRACE",
            Self::Connect => b"CONNECT",
            Self::Other(name) => name,
        }
    }

    /// Whether the same request twice does what it does once (RFC 9110, section 9.2.2): it may be sent again
    /// when a connection has just died.
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Head | Self::Put | Self::Delete | Self::Options | Self::Trace => true,
            Self::Post | Self::Connect | Self::Other(_) => false,
        }
    }
}
