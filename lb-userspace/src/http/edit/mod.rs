//! Writing the head for the next hop: the fields that came, with small edits, into one buffer that is used again.
//!
//! The fields of this hop are left out and written anew, so that nothing a client says about its own connection
//! reaches the server's (RFC 9110, section 7.6.1).

mod back;
mod forwarding;
mod header;
mod request;
mod response;

pub use back::Back;
pub use forwarding::{Client, Forwarding};
pub use header::{
    HeaderEdit, HeaderEdits, HeaderName, HeaderNameError, HeaderValue, HeaderValueError,
};
pub use request::{OwnField, RequestEdits, write_request};
pub(super) use response::write_persistence;
pub use response::{ResponseEdits, write_interim, write_response};

use super::fields::put_field;
use super::{Field, Fields, Known, bytes};

/// The same for a value that was not read from a head, such as what a certificate says: a byte that could end
/// the line becomes a question mark.
fn put_foreign(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let start = out.len();
    put_field(out, name, value);
    let end = out.len() - 2;
    let value_start = start + name.len() + 2;
    for byte in &mut out[value_start..end] {
        if !bytes::is_value(&[*byte]) {
            *byte = b'?';
        }
    }
}

/// Whether both are the same to a server that takes an underscore for a hyphen, as CGI, WSGI and many
/// frameworks do: `X_Forwarded_For` would pass for `X-Forwarded-For`.
fn is_same_to_server(one: &[u8], other: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == other.len() && one.iter().map(plain).eq(other.iter().map(plain))
}

/// Writes the trailer section of a chunked body, and what ends the body. Fields that say how a message is read or
/// who sent it have no place behind it (RFC 9110, section 6.5.1): a server that merges trailers into the head
/// would believe them.
pub fn write_trailers(out: &mut Vec<u8>, trailers: Option<Fields<'_>>, own: &[OwnField<'_>]) {
    out.extend_from_slice(super::LAST_CHUNK);
    let may_trail = |field: &Field<'_>| {
        field.known == Known::Other
            && !NEVER_TRAIL.iter().any(|name| is_same_to_server(field.name, name.as_bytes()))
            && !has_prefix(field.name, b"x-forwarded-")
            && !own.iter().any(|own| is_same_to_server(own.name.as_bytes(), field.name))
    };
    for field in trailers.into_iter().flat_map(Fields::iter).filter(may_trail) {
        field.write(out);
    }
    out.extend_from_slice(b"\r\n");
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len()).is_some_and(|start| is_same_to_server(start, prefix))
}

const NEVER_TRAIL: [&str; 16] = [
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expires",
    "forwarded",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "transfer-encoding",
    "vary",
    "www-authenticate",
];

#[cfg(test)]
#[path = "../edit_test.rs"]
mod tests;
