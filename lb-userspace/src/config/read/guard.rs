//! `guard` and `flood` of a service.

use ipnet::IpNet;
use toml::Spanned;

use super::{Item, Sink, Table, schema};
use crate::{
    config::{
        draft::GuardDraft,
        table::{Entry, PER_SECOND, RATE},
    },
    model::{Flood, Guard, GuardAction, Rate, SourceRate, parse_network, parse_prefix_length},
};

const ACTIONS: [(&str, GuardAction); 2] =
    [("allow", GuardAction::Allow), ("deny", GuardAction::Deny)];

/// Reads a guard.
pub(super) fn guard(item: &Item<'_>, sink: &mut Sink) -> Option<GuardDraft> {
    let table = item.table(&schema::GUARD, sink)?;
    Some(GuardDraft {
        default: table.get("default").and_then(|item| item.word(sink, "default", &ACTIONS, &[])),
        allow: prefixes(&table, "allow", sink),
        deny: prefixes(&table, "deny", sink),
        allows: table.get("allow").is_some_and(|item| !item.is_empty_array()),
        rate: rate(&table, "rate", "burst", sink),
        source_rate: source_rate(&table, sink),
        path: table.path,
    })
}

fn prefixes(table: &Table<'_>, key: &str, sink: &mut Sink) -> Vec<Entry<IpNet>> {
    let Some(item) = table.get(key) else { return Vec::new() };
    let prefixes = item.list(sink, |text| Ok(parse_network(text)?));
    if prefixes.len() > Guard::MAX_PREFIXES {
        let message = format!(
            "`{key}` has {} prefixes: at most {} fit in the file",
            prefixes.len(),
            Guard::MAX_PREFIXES
        );
        sink.error(item.span, item.path, message);
    }
    prefixes
}

/// A rate, and its burst if it has one of its own.
fn rate(table: &Table<'_>, key: &str, burst: &str, sink: &mut Sink) -> Option<Rate> {
    needs(table, burst, key, sink);
    let rate = table
        .get(key)
        .and_then(|item| item.with_unit(sink, &RATE, |text| Ok(Rate::parse(text)?)))?
        .into_inner();
    match table.get(burst) {
        Some(item) => item.integer(sink, |n| Ok(rate.with_burst(n)?)).map(Spanned::into_inner),
        None => Some(rate),
    }
}

fn source_rate(table: &Table<'_>, sink: &mut Sink) -> Option<SourceRate> {
    let mut prefix = |key, max, default| {
        needs(table, key, "source_rate", sink);
        let length = |text: &str| Ok(parse_prefix_length(text, max)?);
        let length = table.get(key).and_then(|item| item.text(sink, length));
        length.map_or(default, Spanned::into_inner)
    };
    let ipv4_prefix = prefix("source", 32, SourceRate::DEFAULT_IPV4_PREFIX);
    let ipv6_prefix = prefix("source6", 128, SourceRate::DEFAULT_IPV6_PREFIX);
    let rate = rate(table, "source_rate", "source_burst", sink)?;
    Some(SourceRate { rate, ipv4_prefix, ipv6_prefix })
}

/// `key` says something about `rate`: alone it would look like a limit and be none.
fn needs(table: &Table<'_>, key: &str, rate: &str, sink: &mut Sink) {
    let Some(item) = table.get(key).filter(|_| table.get(rate).is_none()) else { return };
    sink.error(item.span, item.path, format!("`{key}` without `{rate}` limits nothing"))
        .help(format!("add `{rate} = \"100/s\"`, or leave `{key}` out"));
}

/// Reads when flood mode begins and ends.
pub(super) fn flood(item: &Item<'_>, sink: &mut Sink) -> Option<Flood> {
    let table = item.table(&schema::FLOOD, sink)?;
    let above = table
        .require("above", "\"50000/s\"", sink)
        .and_then(|item| item.with_unit(sink, &PER_SECOND, |text| Ok(Flood::above(text)?)));
    let below = table.get("below").and_then(|item| {
        item.with_unit(sink, &PER_SECOND, |text| Ok(Rate::parse_per_second(text)?))
    });
    let Some(below) = below else { return above.map(Spanned::into_inner) };
    let above = above?;
    match above.get_ref().with_below(*below.get_ref()) {
        Ok(flood) => Some(flood),
        Err(error) => {
            sink.error(below.span(), table.path_of("below"), error.to_string())
                .related(above.span(), "flood mode begins here");
            None
        }
    }
}
