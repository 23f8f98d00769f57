//! Entries as JSON (RFC 8259), one object a line.

use std::net::SocketAddr;

use super::encode::{put_number, put_padded};
use super::moment::write_clock;
use super::{Entry, Moment};

/// Appends an object, without a line break. Times are in milliseconds, `null` where HAProxy writes -1; text that
/// is no UTF-8 gets U+FFFD, as it would be no JSON.
pub fn write_json(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let mut object = Object { out, first: true };
    let timers = &entry.timers;
    object.moment("time", entry.began);
    object.address("client", Some(entry.client));
    object.address("local", Some(entry.local));
    object.text("service", Some(entry.frontend.as_bytes()));
    object.text("pool", entry.backend.map(str::as_bytes));
    object.text("server", Some(entry.server_name().as_bytes()));
    object.address("server_address", entry.server_address());
    object.text("tls_version", entry.tls.map(|tls| tls.version.as_bytes()));
    object.text("tls_cipher", entry.tls.map(|tls| tls.cipher.as_bytes()));
    let words = entry.words();
    for (number, key) in ["method", "target", "protocol"].into_iter().enumerate() {
        object.text(key, words.map(|words| words[number]));
    }
    object.number("status", entry.status.map(|status| status.code().into()));
    object.number("bytes_sent", Some(entry.sent));
    object.number("bytes_received", Some(entry.received));
    object.text("termination", Some(&entry.termination.letters()));
    object.number("time_handshake", Some(timers.handshake.into()));
    object.number("time_idle", Some(timers.idle.into()));
    object.number("time_request", timers.request.map(u64::from));
    object.number("time_queue", timers.queue.map(u64::from));
    object.number("time_connect", timers.connect.map(u64::from));
    object.number("time_response", timers.response.map(u64::from));
    object.number("time_total", Some(timers.total.into()));
    object.number("retries", Some(entry.retries.into()));
    object.raw("redispatched", if entry.redispatched { b"true" } else { b"false" });
    object.texts("request_fields", entry.request_fields);
    object.texts("response_fields", entry.response_fields);
    object.text("id", entry.unique_id);
    object.out.push(b'}');
}

struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        self.out.push(if self.first { b'{' } else { b',' });
        self.first = false;
        put_string(self.out, key.as_bytes());
        self.out.push(b':');
    }

    fn raw(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.out.extend_from_slice(value);
    }

    fn text(&mut self, key: &str, value: Option<&[u8]>) {
        self.key(key);
        put_text(self.out, value);
    }

    fn texts(&mut self, key: &str, values: &[Option<&[u8]>]) {
        self.key(key);
        self.out.push(b'[');
        for (number, value) in values.iter().enumerate() {
            self.out.extend_from_slice(if number == 0 { b"" } else { b"," });
            put_text(self.out, *value);
        }
        self.out.push(b']');
    }

    fn number(&mut self, key: &str, value: Option<u64>) {
        self.key(key);
        match value {
            Some(value) => put_number(self.out, value),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn address(&mut self, key: &str, value: Option<SocketAddr>) {
        self.key(key);
        // Writing into a vector does not fail.
        let _ = match value {
            Some(value) => std::io::Write::write_fmt(self.out, format_args!("\"{value}\"")),
            None => std::io::Write::write_fmt(self.out, format_args!("null")),
        };
    }

    /// RFC 3339, with microseconds.
    fn moment(&mut self, key: &str, moment: Moment) {
        self.key(key);
        self.out.push(b'"');
        write_rfc3339(self.out, moment);
        self.out.push(b'"');
    }
}

/// `2026-11-23T18:50:42.294932+00:00`
pub(super) fn write_rfc3339(out: &mut Vec<u8>, moment: Moment) {
    let civil = moment.local();
    put_padded(out, civil.year, 4);
    out.push(b'-');
    put_padded(out, civil.month, 2);
    out.push(b'-');
    put_padded(out, civil.day, 2);
    out.push(b'T');
    write_clock(out, &civil);
    out.push(b'.');
    put_padded(out, moment.micros % 1_000_000, 6);
    moment.write_offset(out, b":");
}

fn put_text(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => put_string(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// RFC 8259, section 7.
fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                ..32 | 127 => {
                    out.extend_from_slice(b"\\u");
                    super::encode::put_hex(out, byte.into(), 4);
                }
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
#[path = "json_test.rs"]
mod tests;
