//! `host [":" port]`, as in Host and in absolute targets (RFC 9110, section 7.2; RFC 3986, section 3.2).

use std::io::Write;
use std::net::Ipv6Addr;
use std::str;

use super::super::{Refusal, bytes};

/// A host and, where one was named, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets; may be empty.
    pub host: &'a [u8],
    /// A port.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// # Errors
    /// [`Refusal::Host`], and [`Refusal::UserInfo`] for `user@host`.
    pub fn parse(text: &'a [u8]) -> Result<Self, Refusal> {
        if text.contains(&b'@') {
            return Err(Refusal::UserInfo);
        }
        let (host, port) = if text.first() == Some(&b'[') {
            let end = text.iter().position(|&byte| byte == b']').ok_or(Refusal::Host)? + 1;
            let (host, port) = text.split_at(end);
            let inner = str::from_utf8(&host[1..end - 1]).map_err(|_| Refusal::Host)?;
            inner.parse::<Ipv6Addr>().map_err(|_| Refusal::Host)?;
            (host, port)
        } else {
            let end = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
            let (host, port) = text.split_at(end);
            if !bytes::is_reg_name(host) {
                return Err(Refusal::Host);
            }
            (host, port)
        };
        let port = match port {
            // RFC 3986 allows a colon with nothing behind it.
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(number(digits).ok_or(Refusal::Host)?),
            _ => return Err(Refusal::Host),
        };
        Ok(Self { host, port })
    }

    /// Appends it as it stands in a head.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.host);
        if let Some(port) = self.port {
            // Writing into a vector does not fail.
            let _ = write!(out, ":{port}");
        }
    }

    /// Whether both name the same, by a scheme with this port.
    #[must_use]
    pub fn is_same(&self, other: &Self, usual: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(usual) == other.port.unwrap_or(usual)
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    if digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let good: [(&str, &str, Option<u16>); 8] = [
            ("example.org", "example.org", None),
            ("a_b:8080", "a_b", Some(8080)),
            ("10.0.0.1:80", "10.0.0.1", Some(80)),
            ("[2001:db8::1]", "[2001:db8::1]", None),
            ("[::1]:65535", "[::1]", Some(65_535)),
            ("host:", "host", None),
            ("", "", None),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ];
        for (text, host, port) in good {
            let found = Authority::parse(text.as_bytes()).expect(text);
            assert_eq!((found.host, found.port), (host.as_bytes(), port), "{text}");
        }
        let bad = [
            "a b", "a/b", "a:b", "a:65536", "a:000080", "a:+80", "a:80:81", "[::1", "[::1]x",
            "[z]", "a?b", "a#b", "\u{e9}", "a\\b", "a,b:80:", "[::1]:", "<a>",
        ];
        for text in bad {
            let found = Authority::parse(text.as_bytes());
            let expected = if text == "[::1]:" {
                Ok(Authority { host: b"[::1]", port: None })
            } else {
                Err(Refusal::Host)
            };
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(Authority::parse(b"user:pw@host"), Err(Refusal::UserInfo));
    }

    #[test]
    fn the_same_host_in_other_words() {
        let same = |a: &str, b: &str, usual| {
            let parse = |text| Authority::parse(text).expect("a host");
            parse(a.as_bytes()).is_same(&parse(b.as_bytes()), usual)
        };
        assert!(same("Example.org", "example.ORG:80", 80));
        assert!(!same("example.org", "example.org:80", 443));
        assert!(!same("example.org", "example.com", 80));
        assert!(!same("example.org:81", "example.org", 80));
    }
}
