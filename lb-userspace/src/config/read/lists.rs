//! Lists of addresses and networks, in which nothing is named twice.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{Sink, Table};
use crate::{
    config::table::{Entry, Meaning, parse_address},
    model::parse_network,
};

/// A list of addresses, none of them twice.
pub(super) fn addresses(
    table: &Table<'_>,
    key: &str,
    what: &str,
    sink: &mut Sink,
) -> Vec<Entry<IpAddr>> {
    distinct(table, key, what, parse_address, sink)
}

/// A list of networks, none of them twice.
pub(super) fn networks(table: &Table<'_>, key: &str, sink: &mut Sink) -> Vec<Entry<IpNet>> {
    distinct(table, key, "prefix", |text| Ok(parse_network(text)?), sink)
}

fn distinct<T: PartialEq + fmt::Display>(
    table: &Table<'_>,
    key: &str,
    what: &str,
    meaning: impl Fn(&str) -> Meaning<T>,
    sink: &mut Sink,
) -> Vec<Entry<T>> {
    let Some(item) = table.get(key) else { return Vec::new() };
    let mut seen: Vec<Entry<T>> = Vec::new();
    for entry in item.list(sink, meaning) {
        match seen.iter().find(|other| other.value == entry.value) {
            Some(other) => {
                let message = format!("{what} {} is named twice", entry.value);
                let path = format!("{}[{}]", item.path, entry.index);
                sink.error(entry.span, path, message).related(other.span.clone(), "first here");
            }
            None => seen.push(entry),
        }
    }
    seen
}

/// The values alone.
pub(super) fn values<T: Copy>(entries: &[Entry<T>]) -> Vec<T> {
    entries.iter().map(|entry| entry.value).collect()
}
