//! Numbers, and bytes of clients and servers that must do no harm in a log.

const DECIMAL: u64 = 10;
const HEX: u64 = 16;
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// In decimal.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    put_digits(out, number, DECIMAL, 1);
}

/// In decimal, with zeros in front up to this width.
pub(super) fn put_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    put_digits(out, number, DECIMAL, width);
}

/// In capital hexadecimal, with zeros in front up to this width.
pub(super) fn put_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    put_digits(out, number, HEX, width);
}

/// A 64-bit number has 20 digits at most.
fn put_digits(out: &mut Vec<u8>, mut number: u64, base: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 {
        start -= 1;
        digits[start] = DIGITS[usize::try_from(number % base).unwrap_or(0)];
        number /= base;
    }
    out.extend_from_slice(&digits[start.min(digits.len().saturating_sub(width))..]);
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
pub(super) fn put_encoded(out: &mut Vec<u8>, text: &[u8], encode: Encode, escape: bool) {
    for &byte in text {
        let harmful = match byte {
            ..32 | 127.. | b'"' | b'#' => true,
            b'{' | b'|' | b'}' => encode == Encode::Capture,
            _ => false,
        };
        if harmful {
            out.push(b'#');
            put_hex(out, u64::from(byte), 2);
        } else {
            put_escaped(out, &[byte], escape);
        }
    }
}

/// A name of the configuration's, or a value that has been checked.
pub(super) fn put_escaped(out: &mut Vec<u8>, text: &[u8], escape: bool) {
    for &byte in text {
        if escape && is_escaped(byte) {
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
