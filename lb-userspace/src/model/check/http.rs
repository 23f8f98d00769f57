//! What an HTTP check asks, and which answer is a good one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{BodyDigest, Pattern};

/// An HTTP check: requests one after the other, each of which must be answered well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    /// The version that is spoken.
    pub version: HttpVersion,
    /// The requests; at least one.
    pub requests: Vec<HttpRequest>,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self { version: HttpVersion::default(), requests: vec![HttpRequest::default()] }
    }
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 (RFC 9113); over plain connections by prior knowledge.
    #[serde(rename = "2")]
    Two,
}

/// One request, and what a good answer to it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// How to ask.
    pub method: HttpMethod,
    /// What to ask for.
    pub path: HttpPath,
    /// The `Host` header; `None`: address and port of the server.
    pub host: Option<HttpHost>,
    /// Headers besides.
    pub headers: Vec<HttpHeader>,
    /// Statuses that are good; at least one range.
    pub status: Vec<StatusRange>,
    /// What the body must have.
    pub body: Option<BodyMatch>,
}

impl Default for HttpRequest {
    fn default() -> Self {
        Self {
            method: HttpMethod::default(),
            path: HttpPath("/".to_owned()),
            host: None,
            headers: Vec::new(),
            status: vec![StatusRange { first: 200, last: 399 }],
            body: None,
        }
    }
}

/// The method of a check. None of them changes anything on a server (RFC 9110, section 9.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Head and body.
    #[default]
    Get,
    /// The head alone.
    Head,
    /// What the server can do.
    Options,
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        })
    }
}

/// The path and query of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpPath(String);

/// The value of a `Host` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpHost(String);

/// A header of a request, written as `Name: value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpHeader {
    name: String,
    value: String,
}

/// Statuses from one to another, both included, written as `200-399` or `204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusRange {
    first: u16,
    last: u16,
}

/// What a body must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyMatch {
    /// This text somewhere.
    Contains(String),
    /// A place that this fits.
    Regex(Pattern),
    /// This digest.
    Sha256(BodyDigest),
}

/// Why a part of an HTTP check has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpCheckError {
    /// Not a path.
    #[error(
        "`{0}` is not a path: it begins with `/`, and has no spaces, control characters or letters outside ASCII (write those as %20)"
    )]
    Path(String),
    /// Not a host.
    #[error("`{0}` is not a host: write a name or an address, with `:PORT` if need be")]
    Host(String),
    /// Not a header.
    #[error("`{0}` is not a header: write `Name: value`, in ASCII and without line breaks")]
    Header(String),
    /// A header that the check writes.
    #[error("the header `{0}` is written by the check itself{more}", more = if .0.eq_ignore_ascii_case("host") { ": use `host`" } else { "" })]
    Reserved(String),
    /// Not a status or a range of them.
    #[error(
        "`{0}` is not a status: write one from 200 to 599 (\"204\"), or the first and the last of several (\"200-399\")"
    )]
    Status(String),
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl FromStr for HttpPath {
    type Err = HttpCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.starts_with('/') && is_visible(text);
        if fits { Ok(Self(text.to_owned())) } else { Err(HttpCheckError::Path(text.to_owned())) }
    }
}

impl FromStr for HttpHost {
    type Err = HttpCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = is_visible(text) && !text.contains(['/', '?', '#', '@', ',']);
        if fits { Ok(Self(text.to_owned())) } else { Err(HttpCheckError::Host(text.to_owned())) }
    }
}

impl HttpHeader {
    /// Those that make up the request; a second one would contradict the first.
    const RESERVED: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

    /// Its name, as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for HttpHeader {
    type Err = HttpCheckError;

    /// A name is a token (RFC 9110, section 5.6.2).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || HttpCheckError::Header(text.to_owned());
        let (name, value) = text.split_once(':').ok_or_else(wrong)?;
        let value = value.trim_matches([' ', '\t']);
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let visible = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
        if name.is_empty() || !name.bytes().all(token) || !value.bytes().all(visible) {
            return Err(wrong());
        }
        if Self::RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return Err(HttpCheckError::Reserved(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl StatusRange {
    /// Is it one of these?
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for StatusRange {
    type Err = HttpCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let status = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|status| digits && (200..=599).contains(status))
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (status(first), status(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(HttpCheckError::Status(text.to_owned())),
        }
    }
}

impl fmt::Display for HttpPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HttpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HttpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

/// Both ways between a type and its text, for serde.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = HttpCheckError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )*};
}

as_text!(HttpPath, HttpHost, HttpHeader, StatusRange);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: FromStr<Err = HttpCheckError>>(texts: &[&str]) {
        for text in texts {
            assert!(text.parse::<T>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn nothing_breaks_out_of_the_request() {
        refused::<HttpPath>(&["", "a", "/ b", "/\r\nX: y", "/ä", "/\0"]);
        refused::<HttpHost>(&["", "a b", "a\r\n", "http://a", "a,b"]);
        refused::<HttpHeader>(&[
            "",
            "a",
            ": b",
            "a b: c",
            "a: b\nc: d",
            "ä: b",
            "hOSt: a",
            "Connection: x",
        ]);
        assert_eq!("X-A:b c ".parse::<HttpHeader>().unwrap().to_string(), "X-A: b c");
    }

    #[test]
    fn statuses() {
        refused::<StatusRange>(&[
            "",
            "-",
            "199",
            "600",
            "399-200",
            "200-",
            "+200",
            "2xx",
            "200-299-399",
        ]);
        let range: StatusRange = "200-299".parse().unwrap();
        assert!(range.contains(200) && range.contains(299) && !range.contains(300));
        assert_eq!("404".parse::<StatusRange>().unwrap().to_string(), "404");
    }
}
