//! `[[pool]]`: its servers, and how one of them is chosen and reached.

use std::net::{IpAddr, SocketAddr};

use toml::Spanned;

use super::{
    Item, Sink, Table, check, pool_notify, port_number, proxied, rules, schema, tables, tunnel,
};
use crate::{
    config::{
        draft::{PoolDraft, ServerDraft, ServerScripts},
        table::{Meaning, TIME, parse_address},
    },
    model::{Name, OnEmpty, Pool, SchedulerKind, Weight, check_ring_size},
};

const SCHEDULERS: [(&str, SchedulerKind); 10] = [
    ("maglev", SchedulerKind::Maglev),
    ("source", SchedulerKind::Source),
    ("sh", SchedulerKind::Sh),
    ("mh", SchedulerKind::Mh),
    ("rr", SchedulerKind::Rr),
    ("wrr", SchedulerKind::Wrr),
    ("lc", SchedulerKind::Lc),
    ("wlc", SchedulerKind::Wlc),
    ("sed", SchedulerKind::Sed),
    ("nq", SchedulerKind::Nq),
];
const LATER_SCHEDULERS: [&str; 3] = ["lblc", "random", "leastconn"];
const ON_EMPTY: [(&str, OnEmpty); 2] = [("drop", OnEmpty::Drop), ("reject", OnEmpty::Reject)];

/// Reads one pool.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> PoolDraft {
    let name = table
        .require("name", "\"web\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(Name::new(text)?)));
    let scheduler = table
        .get("scheduler")
        .and_then(|item| item.word(sink, "scheduler", &SCHEDULERS, &LATER_SCHEDULERS));
    let window =
        table.get("window").and_then(|item| item.with_unit(sink, &TIME, |text| Ok(text.parse()?)));
    let slow_start = table
        .get("slow_start")
        .and_then(|item| item.duration(sink, |time| Ok(Pool::slow_start(time)?)));
    let on_empty = table.get("on_empty").and_then(|item| item.word(sink, "answer", &ON_EMPTY, &[]));
    let balance = scheduler.as_ref().map(|one| *one.get_ref()).unwrap_or_default().into();
    PoolDraft {
        span: table.span.clone(),
        path: table.path.clone(),
        name,
        scheduler,
        checks: table.get("check").map(|item| check::read_all(&item, sink)).unwrap_or_default(),
        checks_needed: table.get("checks_needed").and_then(|item| item.integer(sink, Ok)),
        servers: tables(table.get("servers"), &schema::SERVER, server, sink),
        ring_size: table
            .get("ring_size")
            .and_then(|item| item.integer(sink, |size| Ok(check_ring_size(size)?))),
        window: window.map(Spanned::into_inner).unwrap_or_default(),
        slow_start: slow_start.map(Spanned::into_inner),
        rules: rules::read(table, sink),
        notify: pool_notify::read(table, sink),
        on_empty: on_empty.map(Spanned::into_inner).unwrap_or_default(),
        sorry: table.get("sorry_server").and_then(|item| sorry_server(&item, sink)),
        tunnel: table.get("tunnel").and_then(|item| tunnel::read(&item, sink)),
        proxy: proxied::pool(table.get("proxy").as_ref(), balance, sink),
        has_proxy: table.get("proxy").map(|item| item.span),
    }
}

fn server(table: &Table<'_>, sink: &mut Sink) -> ServerDraft {
    let name = table
        .require("name", "\"web1\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(Name::new(text)?)));
    let address = table
        .require("address", "\"10.8.8.43\"", sink)
        .and_then(|item| item.text(sink, address_and_port));
    let weight =
        table.get("weight").and_then(|item| item.integer(sink, |weight| Ok(Weight::new(weight)?)));
    let backup = table.get("backup").and_then(|item| item.boolean(sink));
    let port = address.as_ref().and_then(|address| address.get_ref().1);
    ServerDraft {
        path: table.path.clone(),
        name,
        address: address.map(|address| Spanned::new(address.span(), address.get_ref().0)),
        port,
        weight: weight.map(Spanned::into_inner).unwrap_or_default(),
        backup: backup.is_some_and(Spanned::into_inner),
        max_connections: table
            .get("max_connections")
            .and_then(|item| proxied::connections(&item, sink)),
        scripts: pool_notify::of_server(table, sink),
    }
}

/// It is not checked and shares with nobody: an address will do, with a port for the proxy.
fn sorry_server(item: &Item<'_>, sink: &mut Sink) -> Option<ServerDraft> {
    let table = item.table(&schema::SORRY_SERVER, sink)?;
    let name = match table.get("name") {
        Some(item) => item.text(sink, |text| Ok(Name::new(text)?)),
        None => Name::new("sorry").ok().map(|name| Spanned::new(table.span.clone(), name)),
    };
    let address = table
        .require("address", "\"10.8.8.99\"", sink)
        .and_then(|item| item.text(sink, address_and_port));
    Some(ServerDraft {
        path: table.path,
        name,
        port: address.as_ref().and_then(|address| address.get_ref().1),
        address: address.map(|address| Spanned::new(address.span(), address.get_ref().0)),
        weight: Weight::default(),
        backup: false,
        max_connections: None,
        scripts: ServerScripts::default(),
    })
}

/// `10.8.8.43`, `10.8.8.43:80`, `2001:db8::43` or `[2001:db8::43]:80`.
fn address_and_port(text: &str) -> Meaning<(IpAddr, Option<u16>)> {
    if let Ok(both) = text.parse::<SocketAddr>() {
        let port = port_number(i128::from(both.port()))?;
        return Ok((both.ip(), Some(port)));
    }
    // Only the port is wrong? Then speak of the port.
    if let Some((address, port)) = text.rsplit_once(':')
        && let Ok(number) = port.parse::<i128>()
        && format!("{address}:1").parse::<SocketAddr>().is_ok()
    {
        port_number(number)?;
    }
    parse_address(text).map(|address| (address, None))
}
