//! The head of a response as the client gets it.

use super::super::connection::{Delivery, Options};
use super::super::{Field, Known, Response, Status, Version};
use super::{Back, HeaderEdits, put_field};

/// What is edited.
#[derive(Clone, Copy, Debug)]
pub struct ResponseEdits<'a> {
    /// Of the configuration.
    pub headers: &'a HeaderEdits,
    /// Host was rewritten: what the server says about its name is rewritten back.
    pub back: Option<Back<'a>>,
    /// How the client learns where the body ends.
    pub delivery: Delivery,
    /// The client's version.
    pub client: Version,
    /// The client's connection takes another request.
    pub persists: bool,
    /// The value of a Date field, for a server without a clock (RFC 9110, section 6.6.1).
    pub date: &'a [u8],
}

/// Appends the whole head of a final response, or of `101`, with its empty line.
pub fn write_response(
    out: &mut Vec<u8>,
    response: &Response<'_>,
    options: &Options<'_>,
    edits: &ResponseEdits<'_>,
) {
    let switches = response.status == Status::SWITCHING_PROTOCOLS;
    write_line(out, response);
    for field in response.fields.iter() {
        let left_out = options.is_hop_by_hop(field.known, field.name)
            || is_of_no_body(field, response.status)
            || edits.headers.drops(field.name);
        if left_out {
            continue;
        }
        match (edits.back, field.known) {
            (Some(back), Known::Location) => back.write_location(out, &field),
            (Some(back), Known::SetCookie) => back.write_cookie(out, &field),
            _ => field.write(out),
        }
    }
    if !response.fields.has(Known::Date) {
        put_field(out, b"Date", edits.date);
    }
    edits.headers.write(out);
    if switches {
        for value in response.fields.values(Known::Upgrade) {
            put_field(out, b"Upgrade", value);
        }
        out.extend_from_slice(b"Connection: upgrade\r\n\r\n");
        return;
    }
    if edits.delivery == Delivery::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    write_persistence(out, edits.client, edits.persists && edits.delivery != Delivery::UntilClose);
    out.extend_from_slice(b"\r\n");
}

/// Says whether the connection goes on, where it is not what the version says (RFC 9112, section 9.3).
pub(in super::super) fn write_persistence(out: &mut Vec<u8>, client: Version, persists: bool) {
    match (client, persists) {
        (_, false) => out.extend_from_slice(b"Connection: close\r\n"),
        (Version::Http10, true) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (Version::Http11, true) => {}
    }
}

/// Appends a head of `1xx` that is not final. Not for clients of HTTP/1.0, which know none (RFC 9110,
/// section 15.2).
pub fn write_interim(out: &mut Vec<u8>, response: &Response<'_>, options: &Options<'_>) {
    write_line(out, response);
    for field in response.fields.iter() {
        let left_out =
            options.is_hop_by_hop(field.known, field.name) || is_of_no_body(field, response.status);
        if !left_out {
            field.write(out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A length where no body may be (RFC 9110, section 8.6).
fn is_of_no_body(field: Field<'_>, status: Status) -> bool {
    field.known == Known::ContentLength && (status.class() == 1 || status == Status::NO_CONTENT)
}

/// ```text
/// status-line = HTTP-version SP status-code SP [ reason-phrase ]
/// ```
fn write_line(out: &mut Vec<u8>, response: &Response<'_>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&response.status.digits());
    for part in [b" ", response.reason, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
