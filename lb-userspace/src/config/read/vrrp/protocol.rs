//! What an instance speaks: `version`, and the keys that only one version has.

use std::ops::Range;

use toml::Spanned;

use super::{Item, Sink, Table, absolute_path};
use crate::{
    model::{Password, VrrpAuthentication, VrrpInstance, VrrpProtocol},
    vrrp::types::{AdvertInterval, ChecksumKind, Secret, SecretError, Version},
};

const CHECKSUMS: [(&str, ChecksumKind); 2] =
    [("pseudo-header", ChecksumKind::PseudoHeader), ("message", ChecksumKind::MessageOnly)];

type Method = fn(Password) -> VrrpAuthentication;
const METHODS: [(&str, Method); 2] =
    [("pass", VrrpAuthentication::Pass), ("ah", VrrpAuthentication::Ah)];

/// Reads the version, where it stands, and what is spoken.
pub(super) fn read(
    table: &Table<'_>,
    sink: &mut Sink,
) -> (Option<Range<usize>>, Option<VrrpProtocol>) {
    let item = table.get("version");
    let span = item.as_ref().map(|item| item.span.clone());
    let version = match item {
        None => Some(Version::V3),
        Some(item) => {
            item.integer(sink, |number| Ok(Version::new(number)?)).map(Spanned::into_inner)
        }
    };
    // Whose version is not known cannot be told what does not go with it.
    let Some(version) = version else { return (span, None) };
    let interval = interval(table, version, sink);
    let checksum = checksum(table, version, sink);
    let authentication = match version {
        Version::V2 => authentication(table, sink),
        Version::V3 => no_authentication(table, sink),
    };
    let protocol = match interval {
        Some(AdvertInterval::V2(interval)) => {
            authentication.map(|authentication| VrrpProtocol::V2 { interval, authentication })
        }
        Some(AdvertInterval::V3(interval)) => Some(VrrpProtocol::V3 { interval, checksum }),
        None => None,
    };
    (span, protocol)
}

fn interval(table: &Table<'_>, version: Version, sink: &mut Sink) -> Option<AdvertInterval> {
    match table.get("advert_interval") {
        None => AdvertInterval::new(version, VrrpInstance::DEFAULT_INTERVAL).ok(),
        Some(item) => item
            .duration(sink, |time| Ok(AdvertInterval::new(version, time)?))
            .map(Spanned::into_inner),
    }
}

fn checksum(table: &Table<'_>, version: Version, sink: &mut Sink) -> ChecksumKind {
    let Some(item) = table.get("checksum") else { return ChecksumKind::default() };
    let kind = item.word(sink, "checksum", &CHECKSUMS, &[]).map(Spanned::into_inner);
    if version == Version::V2 && kind.is_some() {
        let message = "`checksum` is a matter of version 3: in version 2 there is one kind";
        sink.error(item.span, item.path, message).help("leave it out".to_owned());
    }
    kind.unwrap_or_default()
}

/// Version 3 has none: whoever asks for it must not believe to have it.
fn no_authentication(table: &Table<'_>, sink: &mut Sink) -> Option<VrrpAuthentication> {
    let keys = ["authentication", "password", "password_file"];
    if let Some(item) = keys.into_iter().find_map(|key| table.get(key)) {
        let message = "version 3 has no authentication: RFC 9568 dropped it, as it kept nobody out";
        sink.error(item.span, item.path, message).help(
            "leave it out, or write `version = 2` here and on the other directors".to_owned(),
        );
    }
    None
}

/// `None` if something in it was refused.
fn authentication(table: &Table<'_>, sink: &mut Sink) -> Option<VrrpAuthentication> {
    let method = match table.get("authentication") {
        None => Some(METHODS[0].1),
        Some(item) => item.word(sink, "authentication", &METHODS, &[]).map(Spanned::into_inner),
    };
    match (table.get("password"), table.get("password_file")) {
        (Some(here), Some(file)) => {
            sink.error(file.span, file.path, "`password` and `password_file` say the same")
                .related(here.span, "already said here")
                .help("keep `password_file`: fewer people read that file".to_owned());
            None
        }
        (Some(here), None) => Some(method?(Password::Here(password(&here, sink)?))),
        (None, Some(file)) => Some(method?(Password::File(absolute_path(&file, sink)?))),
        (None, None) => match table.get("authentication") {
            None => Some(VrrpAuthentication::None),
            Some(item) => {
                sink.error(item.span, item.path, "`authentication` without a password")
                    .help("add `password_file = \"/etc/lb/vrrp.password\"`".to_owned());
                None
            }
        },
    }
}

/// One that is too long is cut, as keepalived does it: such files are to go on working.
fn password(item: &Item<'_>, sink: &mut Sink) -> Option<Secret> {
    let mut long = None;
    let secret = item.text(sink, |text| match Secret::new(text) {
        Err(error @ SecretError::Long(_)) => {
            long = Some(error);
            Ok(Secret::cut(text))
        }
        other => Ok(other?),
    });
    if let Some(error) = long {
        sink.warning(item.span.clone(), item.path.clone(), error.to_string())
            .help("the rest is cut off, as keepalived does it".to_owned());
    }
    secret.map(Spanned::into_inner)
}
