//! Header fields that the configuration adds, sets and deletes.

use super::super::{Known, bytes};
use super::is_same_to_server;

/// The name of a field that may be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(Box<[u8]>);

/// Why a name cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderNameError {
    /// RFC 9110, section 5.1.
    #[error("a header name is made of letters, digits and !#$%&'*+-.^_`|~")]
    NoToken,
    /// It says how the message is read.
    #[error("this header belongs to the connection or the body: the proxy writes it by itself")]
    OfTheHop,
    /// It has an option of its own.
    #[error("Host is rewritten by an option of its own, so that answers are rewritten back")]
    Host,
}

impl HeaderName {
    /// # Errors
    /// [`HeaderNameError`].
    pub fn new(name: &str) -> Result<Self, HeaderNameError> {
        let name = name.as_bytes();
        if !bytes::is_token(name) {
            return Err(HeaderNameError::NoToken);
        }
        match Known::of(name) {
            Known::Host => Err(HeaderNameError::Host),
            Known::Connection
            | Known::ContentLength
            | Known::Expect
            | Known::Http2Settings
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te
            | Known::Trailer
            | Known::TransferEncoding
            | Known::Upgrade => Err(HeaderNameError::OfTheHop),
            Known::Other
            | Known::Cookie
            | Known::Date
            | Known::Forwarded
            | Known::Location
            | Known::SetCookie
            | Known::XForwardedFor
            | Known::XForwardedProto => Ok(Self(name.into())),
        }
    }

    /// As it is written.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A value that ends no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue(Box<[u8]>);

/// Why a value cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header value has no line breaks and no other control characters")]
pub struct HeaderValueError;

impl HeaderValue {
    /// Spaces at its ends are dropped.
    ///
    /// # Errors
    /// [`HeaderValueError`].
    pub fn new(value: &str) -> Result<Self, HeaderValueError> {
        let value = bytes::trim(value.as_bytes());
        if bytes::is_value(value) { Ok(Self(value.into())) } else { Err(HeaderValueError) }
    }

    /// As it is written.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit {
    /// One more line.
    Add(HeaderName, HeaderValue),
    /// This line, and no other of its name.
    Set(HeaderName, HeaderValue),
    /// No line of this name.
    Delete(HeaderName),
}

/// Edits in the order of the configuration, brought into the form they are applied in: what is left out of what
/// came, and what is written behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    dropped: Vec<HeaderName>,
    written: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderEdits {
    /// A later edit sees what an earlier one wrote.
    pub fn new(edits: impl IntoIterator<Item = HeaderEdit>) -> Self {
        let mut result = Self::default();
        for edit in edits {
            match edit {
                HeaderEdit::Add(name, value) => result.written.push((name, value)),
                HeaderEdit::Set(name, value) => {
                    result.drop(&name);
                    result.written.push((name, value));
                }
                HeaderEdit::Delete(name) => result.drop(&name),
            }
        }
        result
    }

    fn drop(&mut self, name: &HeaderName) {
        let is_other = |other: &HeaderName| !is_same_to_server(other.as_bytes(), name.as_bytes());
        self.written.retain(|(other, _)| is_other(other));
        if self.dropped.iter().all(is_other) {
            self.dropped.push(name.clone());
        }
    }

    /// Whether a field that came is left out.
    pub(super) fn drops(&self, name: &[u8]) -> bool {
        self.dropped.iter().any(|dropped| is_same_to_server(dropped.as_bytes(), name))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.written {
            super::put_field(out, name.as_bytes(), value.as_bytes());
        }
    }
}
