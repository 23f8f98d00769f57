//! How much of a head or of trailers is read before it is refused.

/// Bytes for method, version and spaces beside the longest target.
const AROUND_URI: usize = 48;

/// Limits of one service, in bytes and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    head: u16,
    uri: u16,
    fields: u16,
    trailers: u16,
}

impl Default for Limits {
    /// 16 KiB of head, 8 KiB of target, 100 fields, 8 KiB of trailers.
    fn default() -> Self {
        Self { head: 16_384, uri: 8_192, fields: 100, trailers: 8_192 }
    }
}

impl Limits {
    /// With another size of heads in bytes, empty lines and the last one included.
    #[must_use]
    pub const fn with_head(self, head: u16) -> Self {
        Self { head, ..self }
    }

    /// With another length of request targets in bytes.
    #[must_use]
    pub const fn with_uri(self, uri: u16) -> Self {
        Self { uri, ..self }
    }

    /// With another number of fields.
    #[must_use]
    pub const fn with_fields(self, fields: u16) -> Self {
        Self { fields, ..self }
    }

    /// With another size of trailer sections, and of a body's chunk extensions, in bytes.
    #[must_use]
    pub const fn with_trailers(self, trailers: u16) -> Self {
        Self { trailers, ..self }
    }

    /// Bytes of a head.
    #[must_use]
    pub fn head(self) -> usize {
        self.head.into()
    }

    /// Bytes of a request target.
    #[must_use]
    pub fn uri(self) -> usize {
        self.uri.into()
    }

    /// Fields of a head.
    #[must_use]
    pub fn fields(self) -> usize {
        self.fields.into()
    }

    /// Bytes of a trailer section.
    #[must_use]
    pub fn trailers(self) -> usize {
        self.trailers.into()
    }

    /// Bytes of chunk extensions of one body.
    #[must_use]
    pub fn extensions(self) -> usize {
        self.trailers.into()
    }

    /// Bytes of a request line without its CRLF.
    pub(super) fn request_line(self) -> usize {
        self.uri() + AROUND_URI
    }
}
