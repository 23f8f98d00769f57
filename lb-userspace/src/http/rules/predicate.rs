//! One question about a request.

use ipnet::IpNet;

use super::Facts;
use super::pattern::{HeaderPattern, HostPattern, PathPattern};
use crate::http::edit::HeaderName;

/// Fits when one of its values does.
#[derive(Clone, Debug)]
pub enum Test {
    /// The host that the client names.
    Host(Vec<HostPattern>),
    /// The path, in its normal form.
    Path(Vec<PathPattern>),
    /// The method; names are case-sensitive.
    Method(Vec<Box<str>>),
    /// One of the lines of a field.
    Header(HeaderName, Vec<HeaderPattern>),
    /// The name in the client's TLS handshake.
    Sni(Vec<HostPattern>),
    /// Where the client is.
    Source(Vec<IpNet>),
}

impl Test {
    pub(super) fn fits(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Host(hosts) => hosts.iter().any(|host| host.fits(facts.host)),
            Self::Path(paths) => paths.iter().any(|path| path.fits(facts.path)),
            Self::Method(methods) => {
                methods.iter().any(|method| method.as_bytes() == facts.method.as_bytes())
            }
            Self::Header(name, patterns) => facts
                .fields
                .named(name.as_bytes())
                .any(|value| patterns.iter().any(|pattern| pattern.fits(value))),
            Self::Sni(names) => {
                facts.sni.is_some_and(|sni| names.iter().any(|name| name.fits(sni)))
            }
            Self::Source(nets) => {
                let source = facts.source.to_canonical();
                nets.iter().any(|net| net.contains(&source))
            }
        }
    }

    /// Whether all that fits the other fits this, as far as can be said without trying.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Host(wide), Self::Host(narrow)) | (Self::Sni(wide), Self::Sni(narrow)) => {
                all_within(wide, narrow, HostPattern::covers)
            }
            (Self::Path(wide), Self::Path(narrow)) => all_within(wide, narrow, PathPattern::covers),
            (Self::Method(wide), Self::Method(narrow)) => all_within(wide, narrow, PartialEq::eq),
            (Self::Header(name, wide), Self::Header(other, narrow)) => {
                name.as_bytes().eq_ignore_ascii_case(other.as_bytes())
                    && all_within(wide, narrow, HeaderPattern::covers)
            }
            (Self::Source(wide), Self::Source(narrow)) => {
                all_within(wide, narrow, |wide, narrow| wide.contains(narrow))
            }
            _ => false,
        }
    }
}

/// Whether each of the narrow ones is within one of the wide ones.
fn all_within<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    narrow.iter().all(|narrow| wide.iter().any(|wide| covers(wide, narrow)))
}
