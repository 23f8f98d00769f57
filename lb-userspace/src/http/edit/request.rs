//! The head of a request as a server gets it.

use super::super::connection::Options;
use super::super::framing::Body;
use super::super::{Known, Request, Target, Upgrade};
use super::{
    Client, Forwarding, HeaderEdits, HeaderName, HeaderValue, is_same_to_server, put_field,
    put_foreign,
};

/// A field that only the proxy may say: the id of a request, what a client's certificate says. Whatever a client
/// sends by this name, or its spelling with underscores, is deleted.
#[derive(Clone, Copy, Debug)]
pub struct OwnField<'a> {
    /// Its name.
    pub name: &'a HeaderName,
    /// `None`: there is nothing to say, such as for a client without a certificate.
    pub value: Option<&'a [u8]>,
}

/// What is edited.
#[derive(Clone, Copy, Debug)]
pub struct RequestEdits<'a> {
    /// Who asks.
    pub client: Client,
    /// What the server learns about it.
    pub forwarding: &'a Forwarding,
    /// Of the configuration.
    pub headers: &'a HeaderEdits,
    /// Of the proxy.
    pub own: &'a [OwnField<'a>],
    /// In place of the client's Host.
    pub host: Option<&'a HeaderValue>,
    /// The Host for a client of HTTP/1.0 that names none.
    pub server: &'a HeaderValue,
    /// An upgrade that is passed on.
    pub upgrade: Option<Upgrade<'a>>,
    /// The client waits for `100 Continue`.
    pub expects_continue: bool,
    /// How the body ends.
    pub body: Body,
    /// The server is asked to close its connection.
    pub close: bool,
}

/// Appends the whole head, always of HTTP/1.1, with its empty line.
pub fn write_request(
    out: &mut Vec<u8>,
    request: &Request<'_>,
    options: &Options<'_>,
    edits: &RequestEdits<'_>,
) {
    let [path, rest] = request.target.to_origin(request.method);
    for part in [request.method.as_bytes(), b" ", path, rest, b" HTTP/1.1\r\n"] {
        out.extend_from_slice(part);
    }
    let speaks = edits.forwarding.speaks_of(edits.client);
    if !request.fields.has(Known::Host) {
        write_host(out, request, edits, edits.server.as_bytes());
    }
    for field in request.fields.iter() {
        match field.known {
            Known::Host => {
                write_host(out, request, edits, field.value);
                continue;
            }
            Known::Expect if !edits.expects_continue => continue,
            _ => {}
        }
        let is_posing = || {
            edits.own.iter().any(|own| is_same_to_server(own.name.as_bytes(), field.name))
                || (speaks && edits.forwarding.drops(field.known, field.name))
        };
        let left_out = options.is_hop_by_hop(field.known, field.name)
            || edits.headers.drops(field.name)
            || is_posing();
        if !left_out {
            field.write(out);
        }
    }
    if speaks {
        edits.forwarding.write(out, edits.client, request.host);
    }
    for own in edits.own {
        if let Some(value) = own.value {
            put_foreign(out, own.name.as_bytes(), value);
        }
    }
    edits.headers.write(out);
    write_hop(out, request, edits);
    out.extend_from_slice(b"\r\n");
}

/// Ours, or that of an absolute target, or what came.
fn write_host(out: &mut Vec<u8>, request: &Request<'_>, edits: &RequestEdits<'_>, named: &[u8]) {
    match (edits.host, request.target) {
        (Some(host), _) => put_field(out, b"Host", host.as_bytes()),
        (None, Target::Absolute { authority, .. }) => {
            out.extend_from_slice(b"Host: ");
            authority.write(out);
            out.extend_from_slice(b"\r\n");
        }
        (None, Target::Origin(_) | Target::Asterisk) => put_field(out, b"Host", named),
    }
}

/// The fields of the connection to the server.
fn write_hop(out: &mut Vec<u8>, request: &Request<'_>, edits: &RequestEdits<'_>) {
    if edits.body == Body::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    // The only element that can be promised on behalf of this client (RFC 9110, section 10.1.4).
    let takes_trailers =
        request.fields.list(Known::Te).any(|element| element.eq_ignore_ascii_case(b"trailers"));
    if takes_trailers {
        out.extend_from_slice(b"TE: trailers\r\n");
    }
    let mut protocols = edits.upgrade.into_iter().flat_map(Upgrade::protocols).peekable();
    let upgrade = protocols.peek().is_some();
    if upgrade {
        out.extend_from_slice(b"Upgrade: ");
        while let Some(protocol) = protocols.next() {
            out.extend_from_slice(protocol);
            out.extend_from_slice(if protocols.peek().is_some() { b", " } else { b"\r\n" });
        }
    }
    let said: [(bool, &'static [u8]); 3] =
        [(upgrade, b"upgrade"), (takes_trailers, b"TE"), (edits.close, b"close")];
    put_connection(out, said.into_iter().filter(|(on, _)| *on).map(|(_, option)| option));
}

fn put_connection(out: &mut Vec<u8>, options: impl Iterator<Item = &'static [u8]>) {
    let start = out.len();
    for option in options {
        out.extend_from_slice(if out.len() == start { b"Connection: " } else { b", " });
        out.extend_from_slice(option);
    }
    if out.len() > start {
        out.extend_from_slice(b"\r\n");
    }
}
