//! What a byte may stand for in HTTP (RFC 9110, section 5.6), as tables.

const TOKEN: u8 = 1;
const VALUE: u8 = 2;
const TARGET: u8 = 4;
const REG_NAME: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if byte.is_ascii_alphanumeric() || is_one_of(byte, b"!#$%&'*+-.^_`|~") {
            class |= TOKEN;
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            class |= VALUE;
        }
        if byte.is_ascii_graphic() && byte != b'#' {
            class |= TARGET;
        }
        if byte.is_ascii_alphanumeric() || is_one_of(byte, b"-._~%!$&'()*+,;=") {
            class |= REG_NAME;
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

const fn is_one_of(byte: u8, set: &[u8]) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| CLASSES[usize::from(byte)] & class != 0)
}

/// How many bytes of a token it begins with.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    let is_token = |byte: &u8| CLASSES[usize::from(*byte)] & TOKEN != 0;
    bytes.iter().position(|byte| !is_token(byte)).unwrap_or(bytes.len())
}

/// `token`, RFC 9110, section 5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    all(&[byte], TOKEN)
}

/// `field-content` of any length, spaces at its ends included, RFC 9110, section 5.5.
pub(super) fn is_value(mut bytes: &[u8]) -> bool {
    loop {
        match bytes.get(value_length(bytes)..) {
            Some([b'\t', rest @ ..]) => bytes = rest,
            rest => return rest.is_none_or(<[u8]>::is_empty),
        }
    }
}

/// How many bytes stand before the first control character, which is where a value ends, or the next tab. Every byte of
/// every head is looked at here: eight at a time.
pub(super) fn value_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let controls = controls(u64::from_le_bytes(*word));
        if controls != 0 {
            return index * 8 + (controls.trailing_zeros() / 8) as usize;
        }
    }
    let is_control = |byte: &u8| byte.is_ascii_control();
    words.len() * 8 + rest.iter().position(is_control).unwrap_or(rest.len())
}

/// The highest bit of each byte that is below a space, or DEL. The first such byte is told for certain: a borrow makes
/// others look like one only behind it.
const fn controls(word: u64) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let below = word.wrapping_sub(EACH * 0x20) & !word;
    let del = word ^ (EACH * 0x7f);
    (below | (del.wrapping_sub(EACH) & !del)) & (EACH << 7)
}

/// What of a request target needs no percent-encoding; browsers send more than RFC 3986 allows.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    all(bytes, TARGET)
}

/// `reg-name`, RFC 3986, section 3.2.2.
pub(super) fn is_reg_name(bytes: &[u8]) -> bool {
    all(bytes, REG_NAME)
}

/// Without spaces and tabs at both ends (`OWS`, RFC 9110, section 5.6.3).
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, empty ones left out (RFC 9110, section 5.6.1). Not for lists whose
/// elements may be quoted strings.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_values_and_targets() {
        assert!(is_token(b"X-Forwarded-For") && is_token(b"a_b!"));
        for bad in [&b""[..], b"a b", b"a:b", b"(a)", b"a\0", b"\xe9", b"a/b", b"\"a\""] {
            assert!(!is_token(bad), "{bad:?}");
        }
        assert!(is_value(b"a\tb \xe9\"") && is_value(b""));
        // Wherever it stands among others.
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for at in 0..length {
                    let mut bytes = vec![b'~'; length];
                    bytes[at] = byte;
                    assert_eq!(is_value(&bytes), all(&bytes, VALUE), "{bytes:?}");
                }
            }
        }
        assert!(!is_value(b"a\x7f") && !is_value(b"\x01") && !is_value(b"\r") && !is_value(b"\0"));
        assert!(is_target(b"/a?b=%20|\"{}") && !is_target(b"/#") && !is_target(b"/\xe9"));
        assert!(is_reg_name(b"a_b.example") && !is_reg_name(b"a@b") && !is_reg_name(b"a/b"));
    }

    #[test]
    fn lists_leave_out_what_is_empty() {
        let list: Vec<_> = list(b" a,, b\t,c ,").collect();
        assert_eq!(list, [b"a", b"b", b"c"]);
        assert_eq!(trim(b" \t "), b"");
    }
}
