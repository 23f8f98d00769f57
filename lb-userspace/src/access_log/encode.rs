//! Numbers, and bytes of clients and servers that must do no harm in a log.

use std::io::Write as _;
use std::net::IpAddr;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// In decimal.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// In decimal, with zeros in front up to this width.
pub(super) fn put_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    put_zeros(out, width.saturating_sub(digits.len()));
    out.extend_from_slice(digits);
}

/// In capital hexadecimal, with zeros in front up to this width.
pub(super) fn put_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4);
    put_zeros(out, width.saturating_sub(digits as usize));
    for place in (0..digits).rev() {
        out.push(DIGITS[usize::try_from(number >> (4 * place) & 0xf).unwrap_or(0)]);
    }
}

fn put_zeros(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, b'0');
}

/// `10.0.0.1`, `2001:db8::1`.
pub(super) fn put_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(v4) => {
            for (index, byte) in v4.octets().into_iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"." });
                put_number(out, byte.into());
            }
        }
        // Writing into a vector does not fail, and an address is formatted without memory of its own.
        IpAddr::V6(v6) => _ = write!(out, "{v6}"),
    }
}

/// Which bytes besides control characters and those from 127 on become `#` and two hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encode {
    /// Request lines: `"` and `#`.
    Url,
    /// Captured fields: `"`, `#`, `{`, `|` and `}`.
    Capture,
}

/// As HAProxy does; with `escape`, `\` and `]` get a backslash, too (RFC 5424, section 6.3.3).
pub(super) fn put_encoded(out: &mut Vec<u8>, mut text: &[u8], encode: Encode, escape: bool) {
    let is_harmful = |byte: &u8| match byte {
        ..32 | 127.. | b'"' | b'#' => true,
        b'{' | b'|' | b'}' => encode == Encode::Capture,
        _ => false,
    };
    while let Some(at) = text.iter().position(is_harmful) {
        put_escaped(out, &text[..at], escape);
        out.push(b'#');
        put_hex(out, u64::from(text[at]), 2);
        text = &text[at + 1..];
    }
    put_escaped(out, text, escape);
}

/// A name of the configuration's, or a value that has been checked.
pub(super) fn put_escaped(out: &mut Vec<u8>, text: &[u8], escape: bool) {
    if !escape {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        if is_escaped(byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

const fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let written = |put: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            put(&mut out);
            String::from_utf8(out).expect("digits")
        };
        assert_eq!(written(&|out| put_number(out, 0)), "0");
        assert_eq!(written(&|out| put_number(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(&|out| put_padded(out, 7, 3)), "007");
        assert_eq!(written(&|out| put_padded(out, 1_234, 3)), "1234");
        assert_eq!(written(&|out| put_hex(out, 0xacbe, 4)), "ACBE");
        assert_eq!(written(&|out| put_hex(out, 10, 2)), "0A");
        assert_eq!(written(&|out| put_hex(out, 0, 2)), "00");
        assert_eq!(written(&|out| put_hex(out, u64::MAX, 2)), "F".repeat(16));
        for ip in ["10.0.0.1", "255.255.255.255", "2001:db8::1"] {
            assert_eq!(written(&|out| put_ip(out, ip.parse().expect("an address"))), ip);
        }
    }

    #[test]
    fn no_byte_of_a_client_ends_a_field() {
        let all: Vec<u8> = (0..=255).collect();
        for encode in [Encode::Url, Encode::Capture] {
            let mut out = Vec::new();
            put_encoded(&mut out, &all, encode, false);
            assert!(out.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'"'));
        }
        let mut out = Vec::new();
        put_encoded(&mut out, b"a\"#{|}\r\n\xe9", Encode::Url, false);
        assert_eq!(out, b"a#22#23{|}#0D#0A#E9");
        out.clear();
        put_encoded(&mut out, b"\"]\\{", Encode::Capture, true);
        assert_eq!(out, b"#22\\]\\\\#7B");
    }
}
