//! `track` of an instance: names, or tables with a weight of the instance's own.

use super::{Item, Sink, Table, schema};
use crate::{
    config::{draft::TrackedDraft, read::track::weight},
    model::Name,
};

/// Reads all of them.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> Vec<TrackedDraft> {
    let items = table.get("track").and_then(|item| item.array(sink)).unwrap_or_default();
    items.iter().filter_map(|item| one(item, sink)).collect()
}

fn one(item: &Item<'_>, sink: &mut Sink) -> Option<TrackedDraft> {
    let name = |text: &str| Ok(Name::new(text)?);
    if !item.is_table() {
        let name = item.text(sink, name)?;
        return Some(TrackedDraft { path: item.path.clone(), name, weight: None });
    }
    let table = item.table(&schema::TRACKED, sink)?;
    let weight = weight(&table, sink);
    let name = table.require("name", "\"haproxy\"", sink)?.text(sink, name)?;
    Some(TrackedDraft { path: table.path_of("name"), name, weight })
}
