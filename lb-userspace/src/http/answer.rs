//! What the proxy answers by itself: error pages, redirects, the monitor's page.

use super::edit::write_persistence;
use super::{Request, Status, Version};

/// The connection that an answer goes to.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The client's version; 1.1 where no request could be read.
    pub version: Version,
    /// The request was HEAD: the answer has the head alone.
    pub head: bool,
    /// The connection takes another request.
    pub persists: bool,
    /// The value of the Date field.
    pub date: &'a [u8],
}

/// What an answer says besides its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A short page that says what is wrong.
    Page,
    /// A page of the administrator's.
    Own {
        /// Of it.
        content_type: &'a [u8],
        /// The page.
        body: &'a [u8],
    },
    /// Somewhere else.
    Location(&'a [u8]),
    /// Who are you? With a realm, RFC 7617.
    Authenticate(&'a [u8]),
    /// Not now: again in so many seconds.
    RetryAfter(u32),
}

/// Whether a connection cannot go on after this answer: where the request ends, or whether more of it comes, is
/// not known.
#[must_use]
pub const fn ends_connection(status: Status) -> bool {
    matches!(status.code(), 400 | 408 | 413 | 414 | 417 | 422 | 431 | 501 | 505)
}

/// Appends a whole answer.
pub fn write_answer(out: &mut Vec<u8>, status: Status, content: Content<'_>, asker: &Asker<'_>) {
    let code = status.digits();
    let reason = status.reason().as_bytes();
    let page: [&[u8]; 9] = [
        b"<!DOCTYPE html>\n<title>",
        &code,
        b" ",
        reason,
        b"</title>\n<h1>",
        reason,
        b"</h1>\n<p>",
        words(status).as_bytes(),
        b"</p>\n",
    ];
    let (content_type, body): (&[u8], &[&[u8]]) = match &content {
        Content::Own { content_type, body } => (content_type, &[body]),
        Content::Page
        | Content::Location(_)
        | Content::Authenticate(_)
        | Content::RetryAfter(_) => (b"text/html; charset=utf-8", &page),
    };
    put(out, &[b"HTTP/1.1 ", &code, b" ", reason, b"\r\nDate: ", asker.date, b"\r\n"]);
    match content {
        Content::Location(url) => put(out, &[b"Location: ", url, b"\r\n"]),
        Content::Authenticate(realm) => {
            put(out, &[b"WWW-Authenticate: Basic realm=\""]);
            put_quoted(out, realm);
            put(out, &[b"\", charset=\"UTF-8\"\r\n"]);
        }
        Content::RetryAfter(seconds) => {
            put(out, &[b"Retry-After: ", seconds.to_string().as_bytes(), b"\r\n"]);
        }
        Content::Page | Content::Own { .. } => {}
    }
    let length: usize = body.iter().map(|part| part.len()).sum();
    put(out, &[b"Content-Type: ", content_type, b"\r\nCache-Control: no-cache\r\n"]);
    put(out, &[b"Content-Length: ", length.to_string().as_bytes(), b"\r\n"]);
    write_persistence(out, asker.version, asker.persists && !ends_connection(status));
    out.extend_from_slice(b"\r\n");
    if !asker.head {
        put(out, body);
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Inside of a quoted string (RFC 9110, section 5.6.4).
fn put_quoted(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(if byte.is_ascii_control() { b' ' } else { byte });
    }
}

/// Appends the same URL by https, at this port. `None`: a client of HTTP/1.0 did not say which host it means.
#[must_use]
pub fn write_https_url(out: &mut Vec<u8>, request: &Request<'_>, port: u16) -> Option<()> {
    let host = request.host.filter(|host| !host.host.is_empty())?;
    put(out, &[b"https://", host.host]);
    if port != 443 {
        put(out, &[b":", port.to_string().as_bytes()]);
    }
    let [path, rest] = request.target.to_origin(request.method);
    put(out, &[if path == b"*" { b"/" } else { path }, rest]);
    Some(())
}

/// What a page says, to people who did nothing wrong.
const fn words(status: Status) -> &'static str {
    match status.code() {
        301 | 302 | 303 | 307 | 308 => "This page is somewhere else.",
        400 => "Your browser sent a request that is not valid.",
        401 => "This page asks for a name and a password.",
        403 => "This page is not for you.",
        404 => "There is no such page.",
        408 => "Your browser took too long to send its request.",
        413 => "What you sent is too large.",
        414 => "The address of this page is too long.",
        417 => "Your browser expects what this server does not do.",
        421 => "This connection belongs to another site. Please try again.",
        422 => "Your browser sent its request in a form that this server does not read.",
        429 => "Too many requests. Please wait a moment.",
        431 => "Your browser sent too much beside its request; deleting cookies may help.",
        501 => "Your browser asks for what this server does not do.",
        502 => "The server behind this one gave an answer that is not valid.",
        503 => "No server is there to answer. Please try again in a moment.",
        504 => "The server behind this one took too long to answer.",
        505 => "Your browser speaks a version of HTTP that this server does not speak.",
        _ => "",
    }
}

#[cfg(test)]
#[path = "answer_test.rs"]
mod tests;
