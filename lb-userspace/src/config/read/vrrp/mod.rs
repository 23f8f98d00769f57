//! `[[vrrp]]`.

mod addresses;
mod protocol;
mod routing;
mod track;
mod virtual_mac;

use toml::Spanned;

use super::{Item, Sink, Table, absolute_path, lists, notify, schema};
use crate::{
    config::draft::VrrpDraft,
    model::{Announce, InterfaceName, Name, VrrpInstance},
    vrrp::{
        machine::Preempt,
        types::{Family, Priority, VirtualRouterId},
    },
};

/// Reads one instance.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> VrrpDraft {
    let name = |text: &str| Ok(Name::new(text)?);
    let (version, protocol) = protocol::read(table, sink);
    let addresses = addresses::read(table, sink);
    let family = addresses.entries.first().map(|first| Family::of(first.address.address()));
    let routing = routing::read(table, family, sink);
    let virtual_router = table
        .require("virtual_router_id", "51", sink)
        .and_then(|item| item.integer(sink, |id| Ok(VirtualRouterId::new(id)?)));
    let number = virtual_router.as_ref().map(|id| *id.get_ref());
    let virtual_mac = virtual_mac::read(table, family.zip(number), sink);
    VrrpDraft {
        routing,
        path: table.path.clone(),
        name: table.require("name", "\"web\"", sink).and_then(|item| item.text(sink, name)),
        interface: table
            .require("interface", "\"eth0\"", sink)
            .and_then(|item| item.text(sink, |text| Ok(InterfaceName::new(text)?)))
            .map(Spanned::into_inner),
        virtual_router,
        priority: match table.get("priority") {
            None => Some(Priority::DEFAULT),
            Some(item) => {
                item.integer(sink, |priority| Ok(Priority::new(priority)?)).map(Spanned::into_inner)
            }
        },
        version,
        protocol,
        addresses_span: addresses.span,
        addresses_complete: addresses.complete,
        addresses: addresses.entries,
        preempt: preempt(table, sink),
        start_delay: delay(table, "start_delay", sink).map(Spanned::into_inner).unwrap_or_default(),
        source: table.get("source").and_then(|item| item.address(sink)),
        unicast_peers: lists::addresses(table, "unicast_peers", "peer", sink),
        virtual_mac,
        announce: table.get("announce").and_then(|item| announce(&item, sink)).unwrap_or_default(),
        group: table.get("group").and_then(|item| item.text(sink, name)),
        track: track::read(table, sink),
        notify: notify::read(table, sink),
    }
}

fn yes(table: &Table<'_>, key: &str, sink: &mut Sink) -> Option<Spanned<bool>> {
    table.get(key).and_then(|item| item.boolean(sink))
}

fn delay(table: &Table<'_>, key: &str, sink: &mut Sink) -> Option<Spanned<std::time::Duration>> {
    table.get(key).and_then(|item| item.duration(sink, |time| Ok(VrrpInstance::delay(time)?)))
}

fn preempt(table: &Table<'_>, sink: &mut Sink) -> Preempt {
    let never = yes(table, "preempt", sink).filter(|preempt| !preempt.get_ref());
    let delay = delay(table, "preempt_delay", sink);
    match (never, delay) {
        (Some(never), Some(delay)) => {
            let message =
                "`preempt_delay` with `preempt = false`: what never happens is not delayed";
            sink.error(delay.span(), table.path_of("preempt_delay"), message)
                .related(never.span(), "said here")
                .help("keep one of them".to_owned());
            Preempt::Never
        }
        (Some(_), None) => Preempt::Never,
        (None, delay) => Preempt::After(delay.map(Spanned::into_inner).unwrap_or_default()),
    }
}

fn announce(item: &Item<'_>, sink: &mut Sink) -> Option<Announce> {
    let table = item.table(&schema::ANNOUNCE, sink)?;
    let default = Announce::default();
    let repeat = table
        .get("repeat")
        .and_then(|item| item.integer(sink, |count| Ok(Announce::repeat(count)?)));
    let mut time = |key| {
        let item = table.get(key)?;
        item.duration(sink, |time| Ok(Announce::time(time)?)).map(Spanned::into_inner)
    };
    Some(Announce {
        repeat: repeat.map_or(default.repeat, Spanned::into_inner),
        again_after: time("again_after").unwrap_or(default.again_after),
        refresh: time("refresh"),
    })
}
