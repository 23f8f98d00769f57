//! `[[pool]]`: its servers and its check.

use std::net::{IpAddr, SocketAddr};

use toml::Spanned;

use super::{Item, Sink, Table, schema, tables};
use crate::{
    config::{
        draft::{CheckDraft, PoolDraft, ServerDraft},
        table::{Meaning, Refusal, parse_address},
    },
    model::{
        Check, CheckKind, Name, SchedulerKind, Weight, Window, check_ring_size, show_duration,
    },
};

const SCHEDULERS: [(&str, SchedulerKind); 2] =
    [("maglev", SchedulerKind::Maglev), ("source", SchedulerKind::Source)];
const LATER_SCHEDULERS: [&str; 9] =
    ["rr", "wrr", "lc", "wlc", "lblc", "sed", "nq", "random", "leastconn"];
const CHECKS: [(&str, CheckKind); 1] = [("tcp", CheckKind::Tcp)];
const LATER_CHECKS: [&str; 7] = ["http", "https", "tls", "udp", "dns", "smtp", "script"];

/// Reads one pool.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> PoolDraft {
    let name = table
        .require("name", "\"web\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(Name::new(text)?)));
    let scheduler = table
        .get("scheduler")
        .and_then(|item| item.word(sink, "scheduler", &SCHEDULERS, &LATER_SCHEDULERS));
    let window =
        table.get("window").and_then(|item| item.duration(sink, |window| Ok(Window::new(window)?)));
    PoolDraft {
        span: table.span.clone(),
        path: table.path.clone(),
        name,
        scheduler: scheduler.map(Spanned::into_inner).unwrap_or_default(),
        check: table.get("check").and_then(|item| check(&item, sink)),
        servers: tables(table.get("servers"), &schema::SERVER, server, sink),
        ring_size: table
            .get("ring_size")
            .and_then(|item| item.integer(sink, |size| Ok(check_ring_size(size)?))),
        window: window.map(Spanned::into_inner).unwrap_or_default(),
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
    let port = address.as_ref().and_then(|address| address.get_ref().1);
    ServerDraft {
        path: table.path.clone(),
        name,
        address: address.map(|address| Spanned::new(address.span(), address.get_ref().0)),
        port,
        weight: weight.map(Spanned::into_inner).unwrap_or_default(),
    }
}

/// `10.8.8.43`, `10.8.8.43:80`, `2001:db8::43` or `[2001:db8::43]:80`.
fn address_and_port(text: &str) -> Meaning<(IpAddr, Option<u16>)> {
    if let Ok(both) = text.parse::<SocketAddr>() {
        let port = check_port(i128::from(both.port()))?;
        return Ok((both.ip(), Some(port)));
    }
    // Only the port is wrong? Then speak of the port.
    if let Some((address, port)) = text.rsplit_once(':')
        && let Ok(number) = port.parse::<i128>()
        && format!("{address}:1").parse::<SocketAddr>().is_ok()
    {
        check_port(number)?;
    }
    parse_address(text).map(|address| (address, None))
}

fn check_port(number: i128) -> Meaning<u16> {
    u16::try_from(number).ok().filter(|&port| port > 0).ok_or_else(|| Refusal {
        message: format!("port {number} is out of range: a port is 1 to 65535"),
        help: None,
    })
}

fn check(item: &Item<'_>, sink: &mut Sink) -> Option<CheckDraft> {
    let table = item.table(&schema::CHECK, sink)?;
    let mut check = Check::default();
    if let Some(kind) = table.get("type") {
        check.kind = kind.word(sink, "check type", &CHECKS, &LATER_CHECKS)?.into_inner();
    }
    let port = table.get("port").and_then(|item| item.integer(sink, check_port));
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
