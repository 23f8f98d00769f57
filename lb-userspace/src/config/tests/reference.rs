//! `docs/configuration.md` has every key in the section of its table, every scheduler, and none besides.

use std::collections::BTreeMap;

use crate::{
    config::schema,
    model::{LimitKey, Limits, SchedulerKind},
};

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");

/// The rows of a key in each section: heading, key, row.
fn rows() -> BTreeMap<(String, String), &'static str> {
    let mut section = String::new();
    let mut rows = BTreeMap::new();
    for line in REFERENCE.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.trim_start_matches('#').trim().to_lowercase();
        }
        // The key stands in the first cell, which has nothing else.
        let cell =
            line.strip_prefix("| ").and_then(|row| row.split_once(" | ")).map(|(cell, _)| cell);
        let key = cell
            .map(|cell| cell.trim_matches('*'))
            .and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        if let Some(key) = key {
            let before = rows.insert((section.clone(), key.to_owned()), line);
            assert_eq!(before, None, "{key} stands twice in {section}");
        }
    }
    rows
}

#[test]
fn has_every_key_and_every_scheduler_and_no_other() {
    let mut rows = rows();
    let keys =
        schema::ALL.iter().flat_map(|schema| schema.keys.iter().map(|key| (schema.title, *key)));
    let schedulers = SchedulerKind::ALL.into_iter().map(|kind| ("Schedulers", kind.as_str()));
    for (section, key) in keys.chain(schedulers) {
        let row = rows.remove(&(section.to_lowercase(), key.to_owned()));
        assert!(row.is_some(), "`{key}` is missing in the section of {section}");
    }
    assert!(rows.is_empty(), "what is that? {rows:#?}");
}

#[test]
fn has_the_limits_as_they_are() {
    let rows = rows();
    for key in LimitKey::ALL {
        let row = rows[&("[limits]".to_owned(), key.as_str().to_owned())];
        let cells: Vec<_> = row.split(" | ").collect();
        let (min, max) = key.range();
        let range = format!("{} to {}", grouped(min), grouped(max));
        let default = grouped(Limits::default().get(key));
        assert_eq!(cells[2..4], [default.as_str(), range.as_str()], "{key:?}");
    }
}

/// 16777216 as 16,777,216.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
