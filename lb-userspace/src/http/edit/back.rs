//! Host was rewritten on the way in: Location and the domains of cookies are rewritten on the way out.

use std::net::IpAddr;
use std::str;

use super::super::{Authority, Field, bytes};
use super::put_field;

/// Two names of one site.
#[derive(Clone, Copy, Debug)]
pub struct Back<'a> {
    /// What the server was told to be.
    pub inside: Authority<'a>,
    /// What the client calls it.
    pub outside: Authority<'a>,
    /// The client came by TLS.
    pub secure: bool,
}

impl Back<'_> {
    /// `http://inside/path` and `//inside/path` become the client's; other places stay as they are.
    pub(super) fn write_location(&self, out: &mut Vec<u8>, field: &Field<'_>) {
        let Some(rest) = self.within(field.value) else {
            return put_field(out, field.name, field.value);
        };
        for part in [field.name, b": ", if self.secure { b"https://" } else { b"http://" }] {
            out.extend_from_slice(part);
        }
        self.outside.write(out);
        out.extend_from_slice(rest);
        out.extend_from_slice(b"\r\n");
    }

    /// What follows the host, if the URL is one of the inside.
    fn within<'v>(&self, url: &'v [u8]) -> Option<&'v [u8]> {
        let slashes = memchr::memmem::find(url, b"//")?;
        let usual = match &url[..slashes] {
            scheme if scheme.eq_ignore_ascii_case(b"http:") => Some(80),
            scheme if scheme.eq_ignore_ascii_case(b"https:") => Some(443),
            b"" => None,
            _ => return None,
        };
        let rest = &url[slashes + 2..];
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        let (authority, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let found = Authority::parse(authority).ok()?;
        let same_port =
            found.port.is_none_or(|port| Some(port) == usual || self.inside.port == Some(port));
        let same = found.host.eq_ignore_ascii_case(self.inside.host) && same_port;
        same.then_some(rest)
    }

    /// A cookie for the inside, or for a domain above it, becomes one for the outside (RFC 6265, section 4.1.2.3);
    /// where no domain can be named, for an address or a name without a dot, one for this host alone.
    pub(super) fn write_cookie(&self, out: &mut Vec<u8>, field: &Field<'_>) {
        out.extend_from_slice(field.name);
        out.extend_from_slice(b": ");
        for (number, attribute) in field.value.split(|&byte| byte == b';').enumerate() {
            if number > 0 && self.is_own_domain(attribute) {
                if can_be_domain(self.outside.host) {
                    out.extend_from_slice(b"; Domain=");
                    out.extend_from_slice(self.outside.host);
                }
                continue;
            }
            if number > 0 {
                out.push(b';');
            }
            out.extend_from_slice(attribute);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn is_own_domain(&self, attribute: &[u8]) -> bool {
        let mut parts = attribute.splitn(2, |&byte| byte == b'=');
        let name = bytes::trim(parts.next().unwrap_or_default());
        if !name.eq_ignore_ascii_case(b"domain") {
            return false;
        }
        let domain = bytes::trim(parts.next().unwrap_or_default());
        let domain = domain.strip_prefix(b".").unwrap_or(domain);
        let host = self.inside.host;
        let Some(start) = host.len().checked_sub(domain.len()) else { return false };
        !domain.is_empty()
            && host[start..].eq_ignore_ascii_case(domain)
            && (start == 0 || host[start - 1] == b'.')
    }
}

fn can_be_domain(host: &[u8]) -> bool {
    let is_address = str::from_utf8(host).is_ok_and(|host| host.parse::<IpAddr>().is_ok());
    host.contains(&b'.') && !host.starts_with(b"[") && !is_address
}
