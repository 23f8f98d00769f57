//! The header of the PROXY protocol before a check, in both versions: the balancer speaks for itself, for nobody else
//! ("The PROXY protocol", sections 2.1 and 2.2).

use crate::model::ProxyVersion;

/// A signature of 12 bytes, version 2 and `LOCAL`, no family, no addresses.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";

/// What goes before everything else.
#[must_use]
pub const fn proxy_header(version: ProxyVersion) -> &'static [u8] {
    match version {
        ProxyVersion::V1 => UNKNOWN,
        ProxyVersion::V2 => LOCAL,
    }
}
