//! `routes` and `rules` of an instance.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use super::{Item, Sink, Table, schema, yes};
use crate::{
    config::table::{Meaning, Refusal, parse_address},
    model::{
        InterfaceName, Mark, RouteScope, RouteTable, RouteWay, RulePriority, VirtualRoute,
        VirtualRouting, VirtualRule, parse_network,
    },
    vrrp::types::Family,
};

const SCOPES: [(&str, RouteScope); 3] =
    [("global", RouteScope::Global), ("link", RouteScope::Link), ("host", RouteScope::Host)];

/// Reads both; `family` is that of the VIPs, where it is known.
pub(super) fn read(table: &Table<'_>, family: Option<Family>, sink: &mut Sink) -> VirtualRouting {
    let mut items = |key| table.get(key).and_then(|item| item.array(sink)).unwrap_or_default();
    let (routes, rules) = (items("routes"), items("rules"));
    let mut seen: Vec<Spanned<RulePriority>> = Vec::new();
    VirtualRouting {
        routes: routes.iter().filter_map(|item| route(item, family, sink)).collect(),
        rules: rules.iter().filter_map(|item| rule(item, family, &mut seen, sink)).collect(),
    }
}

fn route(item: &Item<'_>, family: Option<Family>, sink: &mut Sink) -> Option<VirtualRoute> {
    let table = item.table(&schema::ROUTE, sink)?;
    let via = host(&table, "via", family, sink);
    let onlink = yes(&table, "onlink", sink);
    if let Some(onlink) = onlink.as_ref().filter(|onlink| *onlink.get_ref() && via.is_none()) {
        let message = "`onlink` without `via`: it is said of a router";
        sink.error(onlink.span(), table.path_of("onlink"), message)
            .help("add `via`, or leave `onlink` out".to_owned());
    }
    let out = RouteWay::Out {
        via,
        onlink: onlink.is_some_and(Spanned::into_inner),
        interface: interface(&table, "interface", sink),
        source: host(&table, "source", family, sink),
        scope: scope(&table, family, sink),
    };
    let metric = table.get("metric");
    Some(VirtualRoute {
        way: if blackhole(&table, sink) { RouteWay::Blackhole } else { out },
        table: routes_table(table.get("table"), sink).unwrap_or(RouteTable::MAIN),
        metric: metric
            .and_then(|item| item.integer(sink, |metric| Ok(VirtualRoute::metric(metric)?)))
            .map(Spanned::into_inner),
        destination: table
            .require("to", "\"10.20.0.0/16\"", sink)
            .and_then(|item| item.text(sink, |text| network(text, family)))?
            .into_inner(),
    })
}

/// What is dropped goes nowhere else.
fn blackhole(table: &Table<'_>, sink: &mut Sink) -> bool {
    let Some(said) = yes(table, "blackhole", sink).filter(|said| *said.get_ref()) else {
        return false;
    };
    for key in ["via", "onlink", "interface", "source", "scope"] {
        let Some(item) = table.get(key) else { continue };
        let message = format!("`{key}` with `blackhole`: what is dropped goes nowhere");
        sink.error(item.span, item.path, message)
            .related(said.span(), "said here")
            .help("keep one of them".to_owned());
    }
    true
}

fn scope(table: &Table<'_>, family: Option<Family>, sink: &mut Sink) -> Option<RouteScope> {
    let item = table.get("scope")?;
    let scope = item.word(sink, "scope", &SCOPES, &[])?;
    if family == Some(Family::V6) {
        sink.error(scope.span(), item.path, "an IPv6 route has no scope")
            .help("leave `scope` out".to_owned());
    }
    Some(scope.into_inner())
}

fn rule(
    item: &Item<'_>,
    family: Option<Family>,
    seen: &mut Vec<Spanned<RulePriority>>,
    sink: &mut Sink,
) -> Option<VirtualRule> {
    let table = item.table(&schema::RULE, sink)?;
    let mut prefix = |key| {
        let item = table.get(key)?;
        item.text(sink, |text| network(text, family)).map(Spanned::into_inner)
    };
    let (from, to) = (prefix("from"), prefix("to"));
    let (input, output) = (interface(&table, "iif", sink), interface(&table, "oif", sink));
    let mark = table.get("fwmark").and_then(|item| item.integer(sink, |n| Ok(Mark::new(n)?)));
    let to_table = routes_table(table.require("table", "100", sink), sink);
    let priority = table
        .require("priority", "1000", sink)
        .and_then(|item| item.integer(sink, |n| Ok(RulePriority::new(n)?)))?;
    // The kernel takes rules away by their priority, and what they do not say counts as "any".
    if let Some(first) = seen.iter().find(|other| other.get_ref() == priority.get_ref()) {
        let message = format!("priority {} is that of another rule", priority.get_ref().get());
        sink.error(priority.span(), table.path_of("priority"), message)
            .related(first.span(), "first here");
    }
    seen.push(priority.clone());
    let (mark, priority) = (mark.map(Spanned::into_inner), priority.into_inner());
    Some(VirtualRule { priority, from, to, input, output, mark, table: to_table? })
}

fn routes_table(item: Option<Item<'_>>, sink: &mut Sink) -> Option<RouteTable> {
    item?.integer(sink, |number| Ok(RouteTable::new(number)?)).map(Spanned::into_inner)
}

fn interface(table: &Table<'_>, key: &str, sink: &mut Sink) -> Option<InterfaceName> {
    let item = table.get(key)?;
    item.text(sink, |text| Ok(InterfaceName::new(text)?)).map(Spanned::into_inner)
}

fn host(table: &Table<'_>, key: &str, family: Option<Family>, sink: &mut Sink) -> Option<IpAddr> {
    let address = |text: &str| {
        let ip = parse_address(text)?;
        same_family(ip, family).map(|()| ip)
    };
    table.get(key).and_then(|item| item.text(sink, address)).map(Spanned::into_inner)
}

fn network(text: &str, family: Option<Family>) -> Meaning<IpNet> {
    if text == "default" {
        let all = if family == Some(Family::V6) { "::/0" } else { "0.0.0.0/0" };
        let message = "`default` is not a prefix".to_owned();
        return Err(Refusal { message, help: Some(format!("write \"{all}\"")) });
    }
    let network = parse_network(text)?;
    same_family(network.addr(), family).map(|()| network)
}

fn same_family(ip: IpAddr, family: Option<Family>) -> Meaning<()> {
    match family.filter(|family| *family != Family::of(ip)) {
        None => Ok(()),
        Some(family) => Err(Refusal {
            message: format!("{ip} is {}, the VIPs of the instance are {family}", Family::of(ip)),
            help: Some("put it into an instance of its family".to_owned()),
        }),
    }
}
