//! The keys of a check by TLS.

use super::{Item, Sink, Table};
use crate::{
    config::table::Meaning,
    model::{HttpHost, TlsCheck, TlsName},
};

/// Reads them. Without `sni`, the name is that of the HTTP request, where it has one.
pub(in crate::config::read) fn read(
    table: &Table<'_>,
    host: Option<&HttpHost>,
    sink: &mut Sink,
) -> Option<TlsCheck> {
    let verify = match table.get("verify") {
        // As HAProxy says it.
        Some(item) if item.is("none") => false,
        Some(item) if item.is("required") => true,
        Some(item) => item.boolean(sink)?.into_inner(),
        None => true,
    };
    let name = match table.get("sni") {
        Some(item) => Some(name(&item, sink)?),
        None => host.and_then(name_of_host),
    };
    if !verify {
        return Some(TlsCheck::Unverified(name));
    }
    if name.is_none() {
        let message = "no name for which the certificate must be valid".to_owned();
        sink.error(table.span.clone(), table.path_of("sni"), message).help(
            "add one: `sni = \"www.example.org\"`, or do not look at the certificate: `verify = false`".to_owned(),
        );
    }
    name.map(TlsCheck::Verified)
}

fn name(item: &Item<'_>, sink: &mut Sink) -> Option<TlsName> {
    let meaning = |text: &str| -> Meaning<TlsName> { Ok(text.parse()?) };
    item.text(sink, meaning).map(toml::Spanned::into_inner)
}

/// The name of `www.example.org:8443`; an address is none.
fn name_of_host(host: &HttpHost) -> Option<TlsName> {
    let host = host.to_string();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    name.parse().ok()
}
