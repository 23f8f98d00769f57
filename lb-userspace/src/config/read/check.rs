//! `check` of a pool.

mod http;
mod tls;

use toml::Spanned;

use super::{Item, Sink, Table, port_number, schema};
use crate::{
    config::draft::CheckDraft,
    model::{Check, CheckKind, Checks, Login, show_duration},
};

/// The kinds, by the word for them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Http,
    Tls,
    Https,
    Postgresql,
    Mysql,
    Redis,
    Smtp,
}

const CHECKS: [(&str, Kind); 8] = [
    ("tcp", Kind::Tcp),
    ("http", Kind::Http),
    ("tls", Kind::Tls),
    ("https", Kind::Https),
    ("postgresql", Kind::Postgresql),
    ("mysql", Kind::Mysql),
    ("redis", Kind::Redis),
    ("smtp", Kind::Smtp),
];
const LATER_CHECKS: [&str; 3] = ["udp", "dns", "script"];

/// The keys of some kinds only, and what those kinds are called.
const SPECIAL: [(&[&str], &[Kind], &str); 3] = [
    (
        &["method", "path", "host", "headers", "status", "body", "body_regex"],
        &[Kind::Http, Kind::Https],
        "`http` and `https`",
    ),
    (&["sni", "verify"], &[Kind::Tls, Kind::Https], "`tls` and `https`"),
    (&["user"], &[Kind::Postgresql, Kind::Mysql], "`postgresql` and `mysql`"),
];

/// Reads the check of a pool, or several.
pub(super) fn read_all(item: &Item<'_>, sink: &mut Sink) -> Vec<CheckDraft> {
    if item.is_table() {
        return read(item, sink).into_iter().collect();
    }
    let items = item.array(sink).unwrap_or_default();
    if items.len() > Checks::MOST {
        let message = format!("{} checks are too many: use up to {}", items.len(), Checks::MOST);
        sink.error(item.span.clone(), item.path.clone(), message);
        return Vec::new();
    }
    items.iter().filter_map(|item| read(item, sink)).collect()
}

fn read(item: &Item<'_>, sink: &mut Sink) -> Option<CheckDraft> {
    let table = item.table(&schema::CHECK, sink)?;
    let kind = match table.get("type") {
        Some(kind) => kind.word(sink, "check type", &CHECKS, &LATER_CHECKS)?.into_inner(),
        None => Kind::Tcp,
    };
    refuse_keys_of_others(&table, kind, sink);
    let mut check = Check {
        kind: match kind {
            Kind::Tcp => CheckKind::Tcp,
            Kind::Http => CheckKind::Http(http::read(&table, sink)),
            Kind::Tls => CheckKind::Tls(tls::read(&table, None, sink)?),
            Kind::Https => {
                let http = http::read(&table, sink);
                let tls = tls::read(&table, http.host.as_ref(), sink)?;
                CheckKind::Https { http, tls }
            }
            Kind::Postgresql => CheckKind::Postgresql(login(&table, sink)),
            Kind::Mysql => CheckKind::Mysql(login(&table, sink)),
            Kind::Redis => CheckKind::Redis,
            Kind::Smtp => CheckKind::Smtp,
        },
        ..Check::default()
    };
    let port = table.get("port").and_then(|item| item.integer(sink, port_number));
    let interval =
        table.get("interval").and_then(|item| item.duration(sink, |time| Ok(Check::time(time)?)));
    let timeout =
        table.get("timeout").and_then(|item| item.duration(sink, |time| Ok(Check::time(time)?)));
    let rise =
        table.get("rise").and_then(|item| item.integer(sink, |count| Ok(Check::count(count)?)));
    let fall =
        table.get("fall").and_then(|item| item.integer(sink, |count| Ok(Check::count(count)?)));

    let place = timeout.as_ref().or(interval.as_ref()).map(Spanned::span);
    check.port = port.map(Spanned::into_inner);
    check.interval = interval.map_or(check.interval, Spanned::into_inner);
    // A short interval alone brings the default timeout down with it.
    check.timeout = timeout.map_or(check.timeout.min(check.interval), Spanned::into_inner);
    check.rise = rise.map_or(check.rise, Spanned::into_inner);
    check.fall = fall.map_or(check.fall, Spanned::into_inner);
    if let Some(span) = place.filter(|_| check.timeout > check.interval) {
        let message = format!(
            "timeout {} is longer than the interval {}: the next check waits for the answer",
            show_duration(check.timeout),
            show_duration(check.interval)
        );
        sink.warning(span, table.path_of("timeout"), message);
    }
    Some(CheckDraft { span: table.span, path: table.path, check })
}

fn login(table: &Table<'_>, sink: &mut Sink) -> Login {
    let user = table.get("user").and_then(|item| item.text(sink, |text| Ok(text.parse()?)));
    Login { user: user.map(Spanned::into_inner) }
}

fn refuse_keys_of_others(table: &Table<'_>, kind: Kind, sink: &mut Sink) {
    for (keys, kinds, words) in SPECIAL {
        for key in keys.iter().filter(|_| !kinds.contains(&kind)) {
            let Some(item) = table.get(key) else { continue };
            let message =
                format!("`{key}` says nothing to this check: it is for checks of type {words}");
            sink.error(item.span, item.path, message)
                .help("name another `type`, or leave the key out".to_owned());
        }
    }
}
