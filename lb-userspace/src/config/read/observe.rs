//! How requests of the proxy speak for the health of a pool's servers.

use toml::Spanned;

use super::{Item, Sink, proxied::number, schema};
use crate::model::{Observe, ObservedLayer, OnError};

const LAYERS: [(&str, ObservedLayer); 2] =
    [("layer4", ObservedLayer::Layer4), ("layer7", ObservedLayer::Layer7)];
const ON_ERROR: [(&str, OnError); 4] = [
    ("fast-check", OnError::FastCheck),
    ("fail-check", OnError::FailCheck),
    ("sudden-death", OnError::SuddenDeath),
    ("mark-down", OnError::MarkDown),
];
const MOST_ERRORS: i128 = 1_000_000;

/// Reads `observe` of a pool's `proxy`.
pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Option<Observe> {
    let table = item.table(&schema::OBSERVE, sink)?;
    let mut observe = Observe::default();
    let layer = table.require("layer", "\"layer7\"", sink);
    observe.layer = layer?.word(sink, "layer", &LAYERS, &[])?.into_inner();
    if let Some(item) = table.get("error_limit") {
        observe.error_limit = number::<u32>(&item, 1..=MOST_ERRORS, sink)?.try_into().ok()?;
    }
    let on_error = table.get("on_error").and_then(|item| item.word(sink, "answer", &ON_ERROR, &[]));
    observe.on_error = on_error.map(Spanned::into_inner).unwrap_or_default();
    for key in ["max_ejected", "ejection", "max_ejection"] {
        if let Some(item) = table.get(key).filter(|_| observe.on_error != OnError::MarkDown) {
            let message = format!("`{key}` says nothing where no server is put out of use");
            sink.error(item.span, item.path, message)
                .help("add `on_error = \"mark-down\"`, or leave it out".to_owned());
        }
    }
    if let Some(item) = table.get("max_ejected") {
        observe.max_ejected = number(&item, 0..=100, sink)?;
    }
    let mut time = |key| {
        let item = table.get(key)?;
        item.duration(sink, |time| Ok(Observe::time(time)?)).map(Spanned::into_inner)
    };
    observe.ejection = time("ejection").unwrap_or(observe.ejection);
    let longest = time("max_ejection").unwrap_or(observe.max_ejection);
    observe.max_ejection = longest.max(observe.ejection);
    Some(observe)
}
