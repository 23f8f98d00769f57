//! How long a body is (RFC 9112, section 6.3), or why nobody can say for sure.

use super::fields::{Fields, Known};
use super::{Method, Refusal, Request, Response, Version};

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    Empty,
    /// So many bytes, at least one.
    Length(u64),
    /// In chunks, RFC 9112, section 7.1.
    Chunked,
    /// Until the server closes its connection: responses only.
    UntilClose,
}

impl Body {
    const fn of_length(length: u64) -> Self {
        if length == 0 { Self::Empty } else { Self::Length(length) }
    }
}

/// The body of a response, and whether its connection may serve another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseBody {
    /// How it ends.
    pub body: Body,
    /// The head announces a body where none may be: what comes next on this connection is anybody's guess.
    pub contradicts_itself: bool,
}

/// The body of a request.
///
/// # Errors
/// Whatever two servers could read in two ways.
pub fn request(request: &Request<'_>) -> Result<Body, Refusal> {
    Ok(match declared(request.fields, request.version)? {
        Declared::Nothing => Body::Empty,
        Declared::Length(length) => Body::of_length(length),
        Declared::Chunked => Body::Chunked,
    })
}

/// The body of the response to a request with this method. A `101` has none: what follows is no HTTP.
///
/// # Errors
/// As for requests; the client gets 502.
pub fn response(response: &Response<'_>, method: Method<'_>) -> Result<ResponseBody, Refusal> {
    let declared = declared(response.fields, response.version)?;
    let status = response.status;
    // RFC 9112, section 6.3, rule 1.
    let never = status.class() == 1 || status.code() == 204;
    if never || status.code() == 304 || method == Method::Head {
        // To HEAD and in a 304 these fields say what GET would get (RFC 9110, section 8.6).
        let contradicts_itself = match declared {
            Declared::Nothing | Declared::Length(0) => false,
            Declared::Length(_) | Declared::Chunked => never,
        };
        return Ok(ResponseBody { body: Body::Empty, contradicts_itself });
    }
    let body = match declared {
        Declared::Nothing => Body::UntilClose,
        Declared::Length(length) => Body::of_length(length),
        Declared::Chunked => Body::Chunked,
    };
    Ok(ResponseBody { body, contradicts_itself: false })
}

enum Declared {
    Nothing,
    Length(u64),
    Chunked,
}

/// What the fields say: at most one of the two, once.
fn declared(fields: Fields<'_>, version: Version) -> Result<Declared, Refusal> {
    let (coded, sized) = (fields.has(Known::TransferEncoding), fields.has(Known::ContentLength));
    match (coded, sized) {
        (false, false) => Ok(Declared::Nothing),
        // RFC 9112, section 6.1: the framing of such a message is faulty.
        (true, _) if version == Version::Http10 => Err(Refusal::CodingInHttp10),
        (true, true) => Err(Refusal::LengthAndCoding),
        (true, false) => coding(fields).map(|()| Declared::Chunked),
        (false, true) => {
            let only = fields.only(Known::ContentLength).ok_or(Refusal::Length)?;
            length(only).map(Declared::Length)
        }
    }
}

/// `chunked`, once, last and alone.
fn coding(fields: Fields<'_>) -> Result<(), Refusal> {
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings = fields.list(Known::TransferEncoding);
    match (codings.next(), codings.next()) {
        (Some(only), None) if is_chunked(&only) => Ok(()),
        (Some(_), _) => {
            let mut all = fields.list(Known::TransferEncoding);
            let chunked = fields.list(Known::TransferEncoding).filter(is_chunked).count();
            let last = all.by_ref().last();
            let broken =
                chunked > 1 || (chunked == 1 && !last.is_some_and(|last| is_chunked(&last)));
            Err(if broken { Refusal::ChunkedNotLast } else { Refusal::UnknownCoding })
        }
        (None, _) => Err(Refusal::ChunkedNotLast),
    }
}

/// `Content-Length = 1*DIGIT`, RFC 9110, section 8.6, of up to 18 digits: no sum of it overflows.
fn length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Length);
    }
    Ok(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
#[path = "framing_test.rs"]
mod tests;
