//! `[[service]]`: its address, its ports and its persistence.

use toml::Spanned;

use super::{Item, Sink, Table, schema};
use crate::{
    config::draft::ServiceDraft,
    model::{Mark, Mode, Name, Persistence, PortSpec, UdpIdle, parse_prefix_length},
};

const MODES: [(&str, Mode); 1] = [("direct-routing", Mode::DirectRouting)];
const LATER_MODES: [&str; 4] = ["tunnel", "nat", "tcp", "http"];

/// Reads one service.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> ServiceDraft {
    let name = |text: &str| Ok(Name::new(text)?);
    ServiceDraft {
        path: table.path.clone(),
        name: table.require("name", "\"web\"", sink).and_then(|item| item.text(sink, name)),
        address: table
            .require("address", "\"10.8.8.40\"", sink)
            .and_then(|item| item.address(sink)),
        ports: table
            .require("ports", "[\"tcp/80\"]", sink)
            .map(|item| ports(&item, sink))
            .unwrap_or_default(),
        mark: table.get("mark").and_then(|item| item.integer(sink, |mark| Ok(Mark::new(mark)?))),
        mode: match table.get("mode") {
            None => Some(Mode::default()),
            Some(item) => item.word(sink, "mode", &MODES, &LATER_MODES).map(Spanned::into_inner),
        },
        persistence: table.get("persistence").and_then(|item| persistence(&item, sink)),
        udp_idle: table
            .get("udp_idle")
            .and_then(|item| item.duration(sink, |time| Ok(UdpIdle::new(time)?))),
        pool: table.require("pool", "\"web\"", sink).and_then(|item| item.text(sink, name)),
    }
}

fn ports(item: &Item<'_>, sink: &mut Sink) -> Vec<Spanned<PortSpec>> {
    let Some(items) = item.array(sink) else { return Vec::new() };
    if items.is_empty() {
        sink.error(item.span.clone(), item.path.clone(), "a service has at least one port")
            .help("write one such as `ports = [\"tcp/80\"]`".to_owned());
    }
    let mut ports: Vec<Spanned<PortSpec>> = Vec::new();
    for item in items {
        let Some(port) = item.text(sink, |text| Ok(text.parse::<PortSpec>()?)) else { continue };
        match ports.iter().find(|other| other.get_ref() == port.get_ref()) {
            Some(other) => {
                let message = format!("port {} is named twice", port.get_ref());
                sink.error(port.span(), item.path, message).related(other.span(), "first here");
            }
            None => ports.push(port),
        }
    }
    ports
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
    Some(persistence)
}
