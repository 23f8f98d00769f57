//! Which protocol a client begins with: on a port for TLS, plain HTTP gets an answer that says so, and HTTP/2 without
//! TLS a defined error.

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A TLS handshake.
    Tls,
    /// HTTP/2 "with prior knowledge" (RFC 9113, section 3.4).
    Http2,
    /// A request line of HTTP/1.
    Http1,
    /// None of these.
    Unknown,
}

/// The begin of HTTP/2's preface: it is one already.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest method that is taken for one: those in IANA's registry have up to 17 characters.
const LONGEST_METHOD: usize = 24;
/// ContentType `handshake` (RFC 8446, section 5.1), and the major version that all records have.
const HANDSHAKE: [u8; 2] = [22, 3];

/// Looks at the first bytes of a client; `None` while there are too few. 25 are always enough.
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<Opening> {
    if begins(bytes, &HANDSHAKE) {
        return (bytes.len() >= HANDSHAKE.len()).then_some(Opening::Tls);
    }
    if begins(bytes, PREFACE) {
        return (bytes.len() >= PREFACE.len()).then_some(Opening::Http2);
    }
    let method = bytes.iter().take_while(|byte| is_method(**byte)).count();
    if method > LONGEST_METHOD {
        return Some(Opening::Unknown);
    }
    match bytes.get(method) {
        None => None,
        Some(b' ') if method > 0 => Some(Opening::Http1),
        Some(_) => Some(Opening::Unknown),
    }
}

/// Is one of them the begin of the other?
pub(super) fn begins(bytes: &[u8], whole: &[u8]) -> bool {
    bytes.iter().zip(whole).all(|(a, b)| a == b)
}

/// Methods are tokens; those that are in use have capital letters and hyphens.
const fn is_method(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn first_bytes() {
        for (bytes, expected) in [
            (&b""[..], None),
            (b"\x16", None),
            (b"\x16\x03", Some(Opening::Tls)),
            (b"\x16\x03\x01\x02\x00", Some(Opening::Tls)),
            (b"\x16\x02", Some(Opening::Unknown)),
            // SSL 2, and an alert.
            (b"\x80\x2e\x01\x00\x02", Some(Opening::Unknown)),
            (b"\x15\x03\x01", Some(Opening::Unknown)),
            (b"PRI", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", None),
            (PREFACE, Some(Opening::Http2)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Some(Opening::Http2)),
            (b"PRI * HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"GET", None),
            (b"GET ", Some(Opening::Http1)),
            (b"BASELINE-CONTROL / HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"VERSION-CONTROL-OF-MANY-THINGS / HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b" / HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b"\r\nGET / HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b"get / HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Some(Opening::Unknown)),
        ] {
            assert_eq!(detect(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn what_was_decided_stays(bytes in "(PRI|GET|\u{16}|PRI \\* HTTP/2.0\r\n\r\nSM\r\n\r\n).{0,9}") {
            let bytes = bytes.as_bytes();
            let whole = detect(bytes);
            for cut in 0..bytes.len() {
                let part = detect(&bytes[..cut]);
                prop_assert!(part.is_none() || part == whole, "{} of {bytes:?}", cut);
            }
            prop_assert!(bytes.len() < 25 || whole.is_some());
        }
    }
}
