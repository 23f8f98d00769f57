//! The target of a request (RFC 9112, section 3.2).

use super::super::{Refusal, bytes};
use super::{Authority, Method};

/// The form of a target; the authority form is CONNECT's alone, which is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A path that begins with `/`, and the query.
    Origin(&'a [u8]),
    /// A whole URL.
    Absolute {
        /// `https`, or else `http`.
        secure: bool,
        /// Host and port.
        authority: Authority<'a>,
        /// Path and query; may be empty, or begin with `?`.
        path: &'a [u8],
    },
    /// `*`: the server itself, with OPTIONS.
    Asterisk,
}

impl<'a> Target<'a> {
    pub(super) fn parse(text: &'a [u8], method: Method<'_>) -> Result<Self, Refusal> {
        if !bytes::is_target(text) {
            let fragment = text.contains(&b'#');
            return Err(if fragment { Refusal::Fragment } else { Refusal::TargetByte });
        }
        if method == Method::Connect {
            return Err(Refusal::Connect);
        }
        match text {
            [b'/', ..] => Ok(Self::Origin(text)),
            b"*" if method == Method::Options => Ok(Self::Asterisk),
            _ => Self::absolute(text),
        }
    }

    fn absolute(text: &'a [u8]) -> Result<Self, Refusal> {
        let colon = text.iter().position(|&byte| byte == b':').ok_or(Refusal::Target)?;
        let (scheme, rest) = text.split_at(colon);
        let secure = scheme.eq_ignore_ascii_case(b"https");
        if !secure && !scheme.eq_ignore_ascii_case(b"http") {
            return Err(Refusal::Target);
        }
        let rest = rest.strip_prefix(b"://").ok_or(Refusal::Target)?;
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let authority = Authority::parse(authority)?;
        if authority.host.is_empty() {
            return Err(Refusal::Host);
        }
        Ok(Self::Absolute { secure, authority, path })
    }

    /// The two parts of the form that is sent to a server (RFC 9112, section 3.2.1): a path that was left out
    /// is `/`, or `*` with OPTIONS.
    #[must_use]
    pub fn to_origin(self, method: Method<'_>) -> [&'a [u8]; 2] {
        match self {
            Self::Origin(path) => [path, b""],
            Self::Asterisk => [b"*", b""],
            Self::Absolute { path: [], .. } if method == Method::Options => [b"*", b""],
            Self::Absolute { path: path @ ([] | [b'?', ..]), .. } => [b"/", path],
            Self::Absolute { path, .. } => [path, b""],
        }
    }

    /// The path without the query.
    #[must_use]
    pub fn path(self) -> &'a [u8] {
        match self.split().0 {
            [] => b"/",
            path => path,
        }
    }

    /// What follows the first `?`.
    #[must_use]
    pub fn query(self) -> Option<&'a [u8]> {
        self.split().1
    }

    fn split(self) -> (&'a [u8], Option<&'a [u8]>) {
        let whole = match self {
            Self::Origin(path) | Self::Absolute { path, .. } => path,
            Self::Asterisk => b"*",
        };
        match whole.iter().position(|&byte| byte == b'?') {
            Some(at) => (&whole[..at], Some(&whole[at + 1..])),
            None => (whole, None),
        }
    }
}
