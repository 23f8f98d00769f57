//! `[[service]]`, and its persistence.

use toml::Spanned;

use super::{Item, Sink, Table, guard, ports, proxied, schema};
use crate::{
    config::draft::ServiceDraft,
    model::{Mark, Mode, Name, Persistence, PersistenceDrain, UdpIdle, parse_prefix_length},
};

const MODES: [(&str, Mode); 4] = [
    ("direct-routing", Mode::DirectRouting),
    ("tunnel", Mode::Tunnel),
    ("tcp", Mode::Tcp),
    ("http", Mode::Http),
];
const LATER_MODES: [&str; 1] = ["nat"];
const DRAINS: [(&str, PersistenceDrain); 2] =
    [("move", PersistenceDrain::Move), ("stay", PersistenceDrain::Stay)];

/// What XDP does for a service alone.
const FORWARDED: [&str; 5] = ["mark", "persistence", "udp_idle", "quic", "flood"];

/// Reads one service.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> ServiceDraft {
    let mode = match table.get("mode") {
        None => Some(Mode::default()),
        Some(item) => item.word(sink, "mode", &MODES, &LATER_MODES).map(Spanned::into_inner),
    };
    if let Some(mode) = mode.filter(|mode| mode.is_proxied()) {
        for (key, item) in FORWARDED.iter().filter_map(|key| Some((key, table.get(key)?))) {
            let message =
                format!("`{key}` is for services that XDP forwards, not for mode `{mode}`");
            sink.error(item.span, item.path, message).help("leave it out".to_owned());
        }
    }
    let name = |text: &str| Ok(Name::new(text)?);
    let (proxy, routes) = proxied::service(table, mode, sink).unzip();
    ServiceDraft {
        path: table.path.clone(),
        name: table.require("name", "\"web\"", sink).and_then(|item| item.text(sink, name)),
        address: table
            .require("address", "\"10.8.8.40\"", sink)
            .and_then(|item| item.address(sink)),
        ports: table
            .require("ports", "[\"tcp/80\"]", sink)
            .map(|item| ports::read(&item, sink))
            .unwrap_or_default(),
        mark: table.get("mark").and_then(|item| item.integer(sink, |mark| Ok(Mark::new(mark)?))),
        mode,
        persistence: table.get("persistence").and_then(|item| persistence(&item, sink)),
        udp_idle: table
            .get("udp_idle")
            .and_then(|item| item.duration(sink, |time| Ok(UdpIdle::new(time)?))),
        has_udp_idle: table.get("udp_idle").is_some(),
        quic: table
            .get("quic")
            .and_then(|item| item.boolean(sink))
            .and_then(|quic| quic.get_ref().then(|| quic.span())),
        guard: table.get("guard").and_then(|item| guard::guard(&item, sink)),
        flood: table.get("flood").and_then(|item| guard::flood(&item, sink)),
        proxy,
        routes: routes.unwrap_or_default(),
        pool: table.require("pool", "\"web\"", sink).and_then(|item| item.text(sink, name)),
    }
}

fn persistence(item: &Item<'_>, sink: &mut Sink) -> Option<Persistence> {
    let table = item.table(&schema::PERSISTENCE, sink)?;
    let mut persistence = Persistence::default();
    let mut prefix = |key, max, value: &mut u8| {
        let read = table
            .get(key)
            .and_then(|item| item.text(sink, |text| Ok(parse_prefix_length(text, max)?)));
        if let Some(read) = read {
            *value = read.into_inner();
        }
    };
    prefix("source", 32, &mut persistence.ipv4_prefix);
    prefix("source6", 128, &mut persistence.ipv6_prefix);
    let timeout = table
        .get("timeout")
        .and_then(|item| item.duration(sink, |time| Ok(Persistence::timeout(time)?)));
    if let Some(timeout) = timeout {
        persistence.timeout = timeout.into_inner();
    }
    let drain = table.get("drain").and_then(|item| item.word(sink, "drain", &DRAINS, &[]));
    persistence.drain = drain.map(Spanned::into_inner).unwrap_or_default();
    Some(persistence)
}
