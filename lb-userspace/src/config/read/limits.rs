//! `[limits]`.

use std::ops::Range;

use super::{Sink, Table, schema};
use crate::model::{LimitKey, Limits};

/// Reads the limits, and where they are set; what is not there stays as by default.
pub(super) fn read(root: &Table<'_>, sink: &mut Sink) -> (Limits, Vec<(LimitKey, Range<usize>)>) {
    let mut limits = Limits::default();
    let mut spans = Vec::new();
    let table = root.get("limits").and_then(|item| item.table(&schema::LIMITS, sink));
    let Some(table) = table else { return (limits, spans) };
    for key in LimitKey::ALL {
        let item = table.get(key.as_str());
        if let Some(value) = item.and_then(|item| item.integer(sink, |n| Ok(key.check(n)?))) {
            spans.push((key, value.span()));
            limits.set(key, value.into_inner());
        }
    }
    (limits, spans)
}
