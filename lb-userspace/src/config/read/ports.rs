//! `ports` of a service.

use super::{Item, Sink};
use crate::{config::table::Entry, model::PortSpec};

/// Reads ports, none of them twice.
pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Vec<Entry<PortSpec>> {
    let Some(items) = item.array(sink) else { return Vec::new() };
    if items.is_empty() {
        sink.error(item.span.clone(), item.path.clone(), "a service has at least one port")
            .help("write one such as `ports = [\"tcp/80\"]`".to_owned());
    }
    let mut ports: Vec<Entry<PortSpec>> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Some(specs) = item.text(sink, |text| Ok(PortSpec::parse_all(text)?)) else { continue };
        let span = specs.span();
        for spec in specs.into_inner() {
            match ports.iter().find(|other| other.value.overlaps(spec)) {
                Some(other) => {
                    let message = format!("port {} is named twice", common(spec, other.value));
                    sink.error(span.clone(), item.path.clone(), message)
                        .related(other.span.clone(), "first here");
                }
                None => ports.push(Entry { value: spec, span: span.clone(), index }),
            }
        }
    }
    ports
}

/// What two specs that overlap have in common.
fn common(one: PortSpec, other: PortSpec) -> PortSpec {
    PortSpec { first: one.first.max(other.first), last: one.last.min(other.last), ..one }
}
