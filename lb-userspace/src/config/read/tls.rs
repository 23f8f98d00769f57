//! `tls` of a service: how clients come by it; and of a pool: how its servers are spoken with.

use std::path::PathBuf;

use toml::Spanned;

use super::{Item, Refusal, Sink, Table, check, routes::texts, schema};
use crate::model::{PoolTls, ServiceTls, TlsCheck, TlsClients, TlsVersions};

/// In this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    Tls12,
    Tls13,
}

const VERSIONS: [(&str, Version); 2] = [("1.2", Version::Tls12), ("1.3", Version::Tls13)];
/// Not spoken by anybody who should be.
const OLD: [&str; 3] = ["ssl3", "1.0", "1.1"];
/// Is it optional?
const CLIENTS: [(&str, bool); 2] = [("required", false), ("optional", true)];

pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Option<ServiceTls> {
    let table = item.table(&schema::SERVICE_TLS, sink)?;
    let certificates = table
        .require("certificates", "\"/etc/lb/site.pem\"", sink)
        .and_then(|item| texts(&item, sink, path));
    let strict = table.get("strict_sni").and_then(|item| item.boolean(sink));
    let versions = versions(&table, sink);
    let clients = clients(&table, sink);
    Some(ServiceTls {
        certificates: certificates?,
        strict_sni: strict.is_some_and(Spanned::into_inner),
        versions: versions?,
        clients: clients?,
    })
}

/// That of a pool.
pub(super) fn pool(item: &Item<'_>, sink: &mut Sink) -> Option<PoolTls> {
    let table = item.table(&schema::POOL_TLS, sink)?;
    let verify = check::tls(&table, None, sink);
    let versions = versions(&table, sink);
    let mut file = |key: &str| match table.get(key) {
        None => Some(None),
        Some(item) => item.text(sink, path).map(|path| Some(path.into_inner())),
    };
    let (authorities, certificate) = (file("ca"), file("certificate"));
    if let (Some(TlsCheck::Unverified(_)), Some(item)) = (&verify, table.get("ca")) {
        let message = "`ca` says nothing where certificates are not looked at";
        sink.error(item.span, item.path, message).help("leave `verify` out, or `ca`".to_owned());
    }
    Some(PoolTls {
        verify: verify?,
        authorities: authorities?,
        certificate: certificate?,
        versions: versions?,
    })
}

fn path(text: &str) -> Result<PathBuf, Refusal> {
    if text.starts_with('/') {
        return Ok(PathBuf::from(text));
    }
    let message = format!("`{text}` is no absolute path");
    Err(Refusal { message, help: Some(format!("write `/etc/lb/{text}`, or wherever it is")) })
}

fn versions(table: &Table<'_>, sink: &mut Sink) -> Option<TlsVersions> {
    let mut version = |key: &str, default: Version| {
        let Some(item) = table.get(key) else { return Some(default) };
        if OLD.iter().any(|old| item.is(old)) {
            let message = "the versions before TLS 1.2 are not spoken: nobody should trust them";
            sink.error(item.span, item.path, message).help("write \"1.2\" or \"1.3\"".to_owned());
            return None;
        }
        item.word(sink, "version", &VERSIONS, &[]).map(Spanned::into_inner)
    };
    let least = version("min_version", Version::Tls12);
    let most = version("max_version", Version::Tls13);
    Some(match (least?, most?) {
        (Version::Tls12, Version::Tls12) => TlsVersions::Tls12,
        (Version::Tls12, Version::Tls13) => TlsVersions::Both,
        (Version::Tls13, Version::Tls13) => TlsVersions::Tls13,
        (Version::Tls13, Version::Tls12) => {
            let item = table.get("max_version")?;
            sink.error(item.span, item.path, "`max_version` is below `min_version`");
            return None;
        }
    })
}

/// `None`: something was wrong.
#[expect(
    clippy::option_option,
    reason = "nobody is asked for a certificate, or something is wrong"
)]
fn clients(table: &Table<'_>, sink: &mut Sink) -> Option<Option<TlsClients>> {
    let wanted = table.get("client_certificates");
    let Some(item) = table.get("client_ca") else {
        if let Some(wanted) = wanted {
            let message = "clients are known by an authority, and `client_ca` names none";
            sink.error(wanted.span, wanted.path, message)
                .help("add `client_ca = \"/etc/lb/clients.pem\"`, or leave it out".to_owned());
            return None;
        }
        return Some(None);
    };
    let optional = match wanted {
        Some(item) => item.word(sink, "answer", &CLIENTS, &[])?.into_inner(),
        None => false,
    };
    let authorities = item.text(sink, path)?.into_inner();
    Some(Some(TlsClients { authorities, optional }))
}
