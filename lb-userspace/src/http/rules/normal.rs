//! The normal form of a path (RFC 3986, section 6.2.2), so that `/%61dmin`, `/x/../admin` and `//admin` do not pass
//! a rule for `/admin` that the server would apply to them.

/// The path with unreserved bytes decoded, dot segments taken out and slashes merged; in `room` where that changes
/// it. It is for rules alone: what the server gets stays as it came.
#[must_use]
pub fn normal_path<'a>(path: &'a [u8], room: &'a mut Vec<u8>) -> &'a [u8] {
    let is_plain =
        !path.contains(&b'%') && !path.windows(2).any(|pair| matches!(pair, b"//" | b"/."));
    if is_plain || !path.starts_with(b"/") {
        return path;
    }
    room.clear();
    decode(path, room);
    let length = resolve(room);
    room.truncate(length);
    room
}

/// Decodes what means the same with and without `%` (RFC 3986, section 2.3), and writes the digits of the rest in
/// capitals.
fn decode(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let [first, after @ ..] = rest {
        rest = after;
        let (b'%', &[high, low, ..]) = (*first, after) else {
            out.push(*first);
            continue;
        };
        let (Some(high_digit), Some(low_digit)) = (digit(high), digit(low)) else {
            out.push(b'%');
            continue;
        };
        rest = &after[2..];
        let byte = high_digit << 4 | low_digit;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Takes out dot segments and empty ones, in place (RFC 3986, section 5.2.4); what is left is at the front, so
/// long. A path that ends in a slash, or in a dot segment, does so afterwards.
fn resolve(path: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    while from < path.len() {
        // At the slash before a segment.
        let start = from + 1;
        let length = path[start..].iter().position(|&byte| byte == b'/');
        let end = length.map_or(path.len(), |length| start + length);
        let is_last = length.is_none();
        match &path[start..end] {
            b"" | b"." => {}
            b".." => {
                to = path[..to].iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            }
            _ => {
                path.copy_within(from..end, to);
                to += end - from;
                from = end;
                continue;
            }
        }
        if is_last {
            path[to] = b'/';
            to += 1;
        }
        from = end;
    }
    to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(path: &str) -> String {
        let mut room = Vec::new();
        String::from_utf8_lossy(normal_path(path.as_bytes(), &mut room)).into_owned()
    }

    #[test]
    fn paths_that_mean_the_same() {
        let cases = [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/%61dmin", "/admin"),
            ("/%7euser", "/~user"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%2", "/a%2"),
            ("/%zz%", "/%zz%"),
            ("/%2561", "/%2561"),
            ("//admin", "/admin"),
            ("/a//b///c//", "/a/b/c/"),
            ("/x/../admin", "/admin"),
            ("/x/%2e%2E/admin", "/admin"),
            ("/./admin/.", "/admin/"),
            ("/admin/x/..", "/admin/"),
            ("/../../a", "/a"),
            ("/..", "/"),
            ("/a/..b/.c", "/a/..b/.c"),
            ("*", "*"),
        ];
        for (path, expected) in cases {
            assert_eq!(normal(path), expected, "{path}");
        }
    }

    proptest! {
        /// Nothing is left to be made normal, and nothing grows.
        #[test]
        fn a_normal_path_stays(path in "/[a./%26eE]{0,24}") {
            let once = normal(&path);
            prop_assert!(once.starts_with('/') && once.len() <= path.len());
            prop_assert!(!once.contains("//") && !once.split('/').any(|part| part == "." || part == ".."));
        }
    }
}
