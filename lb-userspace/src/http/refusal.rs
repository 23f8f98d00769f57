//! Why a message is refused, and the status that says so.

use super::Status;

/// What is wrong with a message. Of a request [`status`](Self::status) tells the client; of a response, which
/// no client may see, it is 502 whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// RFC 9112, section 2.2, allows it; servers that do not would see another message.
    #[error("a line ends in LF without CR")]
    BareLf,
    /// RFC 9112, section 2.2.
    #[error("a CR without LF")]
    BareCr,
    /// RFC 9110, section 5.5.
    #[error("a NUL byte")]
    Nul,
    /// Other than a tab, RFC 9110, section 5.5.
    #[error("a control character")]
    Control,
    /// RFC 9112, section 5.2.
    #[error("a header field that is folded over several lines, or begins with a space")]
    Folded,
    /// RFC 9110, section 5.1.
    #[error("the name of a header field is no token")]
    FieldName,
    /// RFC 9112, section 5.1.
    #[error("a space between the name of a header field and its colon")]
    SpaceBeforeColon,
    /// RFC 9112, section 5.
    #[error("a header field without a colon")]
    NoColon,
    /// RFC 9112, section 3.
    #[error("the request line is not `METHOD target HTTP/1.1` with single spaces")]
    RequestLine,
    /// RFC 9110, section 9.1.
    #[error("the method is no token, or longer than 32 bytes")]
    Method,
    /// RFC 9112, section 3.2.
    #[error("the request target is no path, no http URL and no `*`")]
    Target,
    /// RFC 9112, section 3.2.
    #[error("a byte in the request target that must be percent-encoded")]
    TargetByte,
    /// RFC 9110, section 4.2.5.
    #[error("a fragment (`#`) in the request target")]
    Fragment,
    /// RFC 9110, section 4.2.4.
    #[error("a user name in the request target")]
    UserInfo,
    /// RFC 9110, section 15.6.6.
    #[error("a version of HTTP other than 1.0 and 1.1")]
    Version,
    /// RFC 9113, section 3.4.
    #[error("the preface of HTTP/2 on a connection of HTTP/1.1")]
    Http2Preface,
    /// RFC 9112, section 4.
    #[error("the status line is not `HTTP/1.1 200 reason`")]
    StatusLine,
    /// More than [`Limits::uri`](super::Limits::uri).
    #[error("the request target is too long")]
    UriTooLong,
    /// More than [`Limits::head`](super::Limits::head).
    #[error("the head is too large")]
    HeadTooLarge,
    /// More than [`Limits::fields`](super::Limits::fields).
    #[error("too many header fields")]
    TooManyFields,
    /// RFC 9112, section 3.2.
    #[error("no Host field in a request of HTTP/1.1")]
    NoHost,
    /// RFC 9112, section 3.2.
    #[error("more than one Host field")]
    TwoHosts,
    /// RFC 9112, section 3.2.
    #[error("the Host field, or the host in the request target, is no host with an optional port")]
    Host,
    /// RFC 9112, section 3.2.2, lets the target win; servers that do not would serve another site.
    #[error("the Host field names another host than the request target")]
    HostDiffers,
    /// RFC 9110, section 9.3.6: for forward proxies.
    #[error("the method CONNECT, which a reverse proxy does not serve")]
    Connect,
    /// RFC 9112, section 6.1.
    #[error("Content-Length together with Transfer-Encoding")]
    LengthAndCoding,
    /// RFC 9110, section 8.6.
    #[error("Content-Length is no number, signed, a list, or repeated")]
    Length,
    /// RFC 9112, section 6.1.
    #[error("Transfer-Encoding in a message of HTTP/1.0")]
    CodingInHttp10,
    /// RFC 9112, section 6.1.
    #[error("Transfer-Encoding does not end in one `chunked`")]
    ChunkedNotLast,
    /// Codings other than `chunked`, RFC 9112, section 6.1.
    #[error("a transfer coding other than `chunked`")]
    UnknownCoding,
    /// RFC 9112, section 7.1.
    #[error(
        "the size of a chunk is no hexadecimal number of up to 16 digits, or a line around it is broken"
    )]
    Chunk,
    /// RFC 9112, section 7.1.1.
    #[error("too many bytes of chunk extensions")]
    Extensions,
    /// More than [`Limits::trailers`](super::Limits::trailers).
    #[error("the trailer section is too large")]
    TrailersTooLarge,
    /// More than what the service allows.
    #[error("the body is too large")]
    BodyTooLarge,
    /// RFC 9110, section 10.1.1.
    #[error("an expectation other than `100-continue`")]
    Expectation,
    /// RFC 9110, section 7.6.1.
    #[error("more than 32 options in Connection, or one that is no token")]
    ConnectionOptions,
    /// RFC 9110, section 7.8: to a protocol that the request did not offer.
    #[error("the server switches protocols, which was not asked for")]
    UnaskedUpgrade,
}

impl Refusal {
    /// What the client is told when it is a request.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::UriTooLong => Status::URI_TOO_LONG,
            Self::HeadTooLarge | Self::TooManyFields | Self::TrailersTooLarge => {
                Status::FIELDS_TOO_LARGE
            }
            Self::Version | Self::Http2Preface => Status::VERSION_NOT_SUPPORTED,
            Self::Connect => Status::NOT_IMPLEMENTED,
            Self::UnknownCoding => Status::UNPROCESSABLE_CONTENT,
            Self::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            Self::Expectation => Status::EXPECTATION_FAILED,
            Self::StatusLine | Self::UnaskedUpgrade => Status::BAD_GATEWAY,
            Self::BareLf
            | Self::BareCr
            | Self::Nul
            | Self::Control
            | Self::Folded
            | Self::FieldName
            | Self::SpaceBeforeColon
            | Self::NoColon
            | Self::RequestLine
            | Self::Method
            | Self::Target
            | Self::TargetByte
            | Self::Fragment
            | Self::UserInfo
            | Self::NoHost
            | Self::TwoHosts
            | Self::Host
            | Self::HostDiffers
            | Self::LengthAndCoding
            | Self::Length
            | Self::CodingInHttp10
            | Self::ChunkedNotLast
            | Self::Chunk
            | Self::Extensions
            | Self::ConnectionOptions => Status::BAD_REQUEST,
        }
    }
}
