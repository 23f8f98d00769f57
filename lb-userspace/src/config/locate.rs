//! The place of a key in a text, for errors that are only found out about later.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Where the value of `key` stands; the nearest table around it if it is not there itself.
pub(super) fn locate(text: &str, key: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let mut value = DeValue::Table(document.into_inner());
    let mut span = None;
    // `pool[0].servers[1].address`: names and numbers, one after the other.
    for step in key.split(['.', '[']) {
        let next = match (&value, step.strip_suffix(']')) {
            (DeValue::Array(array), Some(index)) => {
                index.parse::<usize>().ok().and_then(|index| array.get(index))
            }
            (DeValue::Table(table), None) => table.get(step),
            _ => None,
        };
        let Some(next) = next.cloned() else { break };
        span = Some(next.span());
        value = next.into_inner();
    }
    span
}
