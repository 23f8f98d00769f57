//! HAProxy's log variables: their names, and what each writes of an entry.

use std::net::{IpAddr, SocketAddr};

use super::Entry;
use super::encode::{Encode, put_encoded, put_escaped, put_hex, put_ip, put_number};

/// How a variable is written; `%{+Q}r` and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// `Q`: texts in double quotes.
    pub(super) quote: bool,
    /// `X`: numbers and addresses in hexadecimal.
    pub(super) hex: bool,
    /// `E`: `"`, `\` and `]` with a backslash.
    pub(super) escape: bool,
}

macro_rules! variables {
    ($($name:literal $variable:ident $what:literal,)*) => {
        /// A variable by what it says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Variable {
            $(#[doc = $what] $variable,)*
        }

        /// Every name, its variable, and what it says.
        pub(super) const VARIABLES: &[(&str, Variable)] = &[$(($name, Variable::$variable),)*];
    };
}

variables! {
    "B" Sent "Bytes to the client.",
    "CC" RequestCookie "Captured cookie of the request.",
    "CS" ResponseCookie "Captured cookie of the response.",
    "H" Host "Name of this host.",
    "HM" Method "Method.",
    "HP" Path "Target without query.",
    "HPO" PathOnly "Path without host and query.",
    "HQ" Query "Query with its question mark.",
    "HU" Target "Target.",
    "HV" Version "Version of HTTP.",
    "ID" UniqueId "Id of the request.",
    "ST" Status "Status.",
    "T" UtcDate "Accepted, UTC.",
    "Ta" Active "Time of the request.",
    "Tc" Connect "Time of connecting.",
    "Td" Data "Time of the response's data.",
    "Th" Handshake "Time of handshakes.",
    "Ti" Idle "Time of idling.",
    "Tl" LocalDate "Accepted, local time.",
    "Tq" ToRequest "Time from accepting to the end of the request's head.",
    "TR" Request "Time of the request's head.",
    "Tr" Response "Time of the response's head.",
    "Ts" Seconds "Accepted, seconds since 1970.",
    "Tt" Total "Time of all.",
    "Tu" User "Time of all without idling.",
    "Tw" Queue "Time in queues.",
    "U" Received "Bytes from the client.",
    "ac" ProcessConnections "Connections of the process.",
    "b" Backend "Pool.",
    "bc" BackendConnections "Connections of the pool.",
    "bi" SourceAddress "Our address towards the server.",
    "bp" SourcePort "Our port towards the server.",
    "bq" BackendQueue "Queue of the pool.",
    "ci" ClientAddress "Address of the client.",
    "cp" ClientPort "Port of the client.",
    "f" Frontend "Service.",
    "fc" FrontendConnections "Connections of the service.",
    "fi" LocalAddress "Address of the service.",
    "fp" LocalPort "Port of the service.",
    "ft" FrontendTransport "Service, with ~ for TLS.",
    "hr" RequestFields "Captured fields of the request.",
    "hrl" RequestFieldsClf "The same, each in quotes.",
    "hs" ResponseFields "Captured fields of the response.",
    "hsl" ResponseFieldsClf "The same, each in quotes.",
    "lc" LineNumber "Lines of this service before.",
    "ms" Millis "Accepted, milliseconds of its second.",
    "pid" Process "Number of the process.",
    "r" RequestLine "Request line.",
    "rc" Retries "Retries.",
    "rt" RequestNumber "Requests of the process.",
    "s" Server "Server.",
    "sc" ServerConnections "Connections of the server.",
    "si" ServerAddress "Address of the server.",
    "sp" ServerPort "Port of the server.",
    "sq" ServerQueue "Queue of the server.",
    "sslc" TlsCipher "Cipher suite.",
    "sslv" TlsVersion "Version of TLS.",
    "t" Date "Accepted, to the millisecond.",
    "tr" BeganDate "First byte of the request, to the millisecond.",
    "trg" BeganUtcDate "First byte of the request, UTC.",
    "trl" BeganLocalDate "First byte of the request, local time.",
    "ts" Termination "How it ended.",
    "tsc" TerminationCookie "How it ended, and what became of cookies.",
}

/// What is written for a request that could not be read.
const BAD_REQUEST: &[u8] = b"<BADREQ>";

/// Writes one; `false` when it has nothing to say, not even `-`.
pub(super) fn write(
    out: &mut Vec<u8>,
    entry: &Entry<'_>,
    variable: Variable,
    style: Style,
) -> bool {
    let mut text = |text: Option<&[u8]>| put_text(out, text, style);
    match variable {
        Variable::Host => text(Some(entry.host.as_bytes())),
        Variable::Backend => text(Some(entry.backend_name().as_bytes())),
        Variable::Frontend => text(Some(entry.frontend.as_bytes())),
        Variable::Server => text(Some(entry.server_name().as_bytes())),
        Variable::TlsCipher => text(entry.tls.map(|tls| tls.cipher.as_bytes())),
        Variable::TlsVersion => text(entry.tls.map(|tls| tls.version.as_bytes())),
        Variable::FrontendTransport => put_quoted(out, style, |out| {
            put_escaped(out, entry.frontend.as_bytes(), style.escape);
            out.extend_from_slice(if entry.tls.is_some() { b"~" } else { b"" });
        }),
        Variable::RequestLine
        | Variable::Method
        | Variable::Target
        | Variable::Path
        | Variable::PathOnly
        | Variable::Query
        | Variable::Version => put_foreign(out, of_request(entry, variable), style),
        Variable::RequestCookie => put_foreign(out, entry.request_cookie, style),
        Variable::ResponseCookie => put_foreign(out, entry.response_cookie, style),
        Variable::UniqueId => put_foreign(out, entry.unique_id, style),
        Variable::RequestFields => return put_captures(out, entry.request_fields, style),
        Variable::ResponseFields => return put_captures(out, entry.response_fields, style),
        Variable::RequestFieldsClf => return put_captures_clf(out, entry.request_fields, style),
        Variable::ResponseFieldsClf => return put_captures_clf(out, entry.response_fields, style),
        Variable::ClientAddress => put_address(out, Some(entry.client), style),
        Variable::ClientPort => put_port(out, Some(entry.client), style),
        Variable::LocalAddress => put_address(out, Some(entry.local), style),
        Variable::LocalPort => put_port(out, Some(entry.local), style),
        Variable::ServerAddress => put_address(out, entry.server_address(), style),
        Variable::ServerPort => put_port(out, entry.server_address(), style),
        Variable::SourceAddress => put_address(out, entry.source, style),
        Variable::SourcePort => put_port(out, entry.source, style),
        Variable::Date
        | Variable::BeganDate
        | Variable::UtcDate
        | Variable::LocalDate
        | Variable::BeganUtcDate
        | Variable::BeganLocalDate => put_date(out, entry, variable),
        Variable::Termination => out.extend_from_slice(&entry.termination.letters()),
        Variable::TerminationCookie => {
            out.extend_from_slice(&entry.termination.letters());
            // No cookie is set or read for persistence.
            out.extend_from_slice(b"--");
        }
        Variable::Retries => {
            out.extend_from_slice(if entry.redispatched { b"+" } else { b"" });
            put_number(out, entry.retries.into());
        }
        _ => put_figure(out, entry, variable, style),
    }
    true
}

/// Numbers.
fn put_figure(out: &mut Vec<u8>, entry: &Entry<'_>, variable: Variable, style: Style) {
    let (timers, connections) = (&entry.timers, &entry.connections);
    let timer = |timer: Option<u32>| timer.map(u64::from);
    let count = |count: u32| Some(u64::from(count));
    // The width in hexadecimal, of those that HAProxy writes so.
    let (number, width) = match variable {
        Variable::Seconds => (Some(entry.accepted.seconds()), Some(4)),
        Variable::Millis if style.hex => (Some(entry.accepted.millis()), Some(2)),
        Variable::Millis => return super::encode::put_padded(out, entry.accepted.millis(), 3),
        Variable::Process => (count(entry.process), Some(4)),
        Variable::RequestNumber => (Some(entry.request_number), Some(4)),
        Variable::LineNumber => (Some(entry.line_number), None),
        Variable::Status => (entry.status.map(|status| status.code().into()), None),
        Variable::Sent => (Some(entry.sent), None),
        Variable::Received => (Some(entry.received), None),
        Variable::Active => (count(timers.active()), None),
        Variable::Connect => (timer(timers.connect), None),
        Variable::Data => (timer(timers.data()), None),
        Variable::Handshake => (count(timers.handshake), None),
        Variable::Idle => (count(timers.idle), None),
        Variable::ToRequest => (timer(timers.until_request()), None),
        Variable::Request => (timer(timers.request), None),
        Variable::Response => (timer(timers.response), None),
        Variable::Total => (count(timers.total), None),
        Variable::User => (count(timers.user()), None),
        Variable::Queue => (timer(timers.queue), None),
        Variable::ProcessConnections => (count(connections.process), None),
        Variable::FrontendConnections => (count(connections.frontend), None),
        Variable::BackendConnections => (count(connections.backend), None),
        Variable::ServerConnections => (count(connections.server), None),
        Variable::ServerQueue => (count(entry.queues.server), None),
        Variable::BackendQueue => (count(entry.queues.backend), None),
        _ => (None, None),
    };
    match (number, width) {
        (Some(number), Some(width)) if style.hex => put_hex(out, number, width),
        (Some(number), _) => put_number(out, number),
        (None, _) => out.extend_from_slice(b"-1"),
    }
}

fn put_quoted(out: &mut Vec<u8>, style: Style, write: impl FnOnce(&mut Vec<u8>)) {
    let quote: &[u8] = if style.quote { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    write(out);
    out.extend_from_slice(quote);
}

/// A text of ours; nothing is `-`, or `""`.
fn put_text(out: &mut Vec<u8>, text: Option<&[u8]>, style: Style) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => put_quoted(out, style, |out| put_escaped(out, text, style.escape)),
        None => out.extend_from_slice(if style.quote { b"\"\"" } else { b"-" }),
    }
}

/// A text of a client or server.
fn put_foreign(out: &mut Vec<u8>, text: Option<&[u8]>, style: Style) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            put_quoted(out, style, |out| put_encoded(out, text, Encode::Url, style.escape));
        }
        None => put_text(out, None, style),
    }
}

/// A part of the request line.
fn of_request<'a>(entry: &Entry<'a>, variable: Variable) -> Option<&'a [u8]> {
    let Some([method, target, version]) = entry.words() else { return Some(BAD_REQUEST) };
    let mark = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(mark);
    match variable {
        Variable::Method => Some(method),
        Variable::Target => Some(target),
        Variable::Path => Some(path),
        Variable::PathOnly => Some(without_host(path)),
        Variable::Query => Some(query),
        Variable::Version => Some(version),
        _ => entry.request,
    }
}

/// The path of an absolute target.
fn without_host(path: &[u8]) -> &[u8] {
    if path.starts_with(b"/") {
        return path;
    }
    let Some(slashes) = memchr::memmem::find(path, b"://") else { return path };
    let rest = &path[slashes + 3..];
    memchr::memchr(b'/', rest).map_or(b"/", |at| &rest[at..])
}

/// `{a|b}`; nothing at all when nothing is captured.
fn put_captures(out: &mut Vec<u8>, captures: &[Option<&[u8]>], style: Style) -> bool {
    if captures.is_empty() {
        return false;
    }
    put_quoted(out, style, |out| {
        for (number, capture) in captures.iter().enumerate() {
            out.push(if number == 0 { b'{' } else { b'|' });
            put_encoded(out, capture.unwrap_or_default(), Encode::Capture, style.escape);
        }
        out.push(b'}');
    });
    true
}

/// `"a" "b"`, `"-"` for what was not there.
fn put_captures_clf(out: &mut Vec<u8>, captures: &[Option<&[u8]>], style: Style) -> bool {
    for (number, capture) in captures.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"\"" } else { b" \"" });
        put_encoded(out, capture.unwrap_or(b"-"), Encode::Capture, style.escape);
        out.push(b'"');
    }
    !captures.is_empty()
}

fn put_address(out: &mut Vec<u8>, address: Option<SocketAddr>, style: Style) {
    let Some(address) = address else { return put_text(out, None, style) };
    let ip = address.ip().to_canonical();
    if style.hex {
        match ip {
            IpAddr::V4(v4) => put_hex(out, u64::from(v4.to_bits()), 8),
            IpAddr::V6(v6) => v6.octets().into_iter().for_each(|byte| put_hex(out, byte.into(), 2)),
        }
        return;
    }
    put_quoted(out, style, |out| put_ip(out, ip));
}

fn put_port(out: &mut Vec<u8>, address: Option<SocketAddr>, style: Style) {
    match address.map(|address| u64::from(address.port())) {
        Some(port) if style.hex => put_hex(out, port, 4),
        Some(port) => put_number(out, port),
        None => put_text(out, None, style),
    }
}

fn put_date(out: &mut Vec<u8>, entry: &Entry<'_>, variable: Variable) {
    match variable {
        Variable::UtcDate => entry.accepted.write_utc(out),
        Variable::LocalDate => entry.accepted.write_local(out),
        Variable::BeganUtcDate => entry.began.write_utc(out),
        Variable::BeganLocalDate => entry.began.write_local(out),
        Variable::BeganDate => entry.began.write_precise(out),
        _ => entry.accepted.write_precise(out),
    }
}
