//! Guards: lists that do not contradict each other, and speak of clients that can come.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, GuardDraft, ServiceDraft},
        table::Entry,
    },
    model::GuardAction,
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for service in &draft.services {
        let Some(guard) = &service.guard else { continue };
        each_once(guard, sink);
        same_family(service, guard, sink);
        lets_somebody_in(service, guard, sink);
    }
}

/// Each list with its key.
fn lists(guard: &GuardDraft) -> [(&'static str, &[Entry<IpNet>]); 2] {
    [("allow", &guard.allow), ("deny", &guard.deny)]
}

/// A prefix in both lists is an error: either could be meant. One that is twice in a list is not.
fn each_once(guard: &GuardDraft, sink: &mut Sink) {
    let mut seen = HashMap::new();
    for (list, entries) in lists(guard) {
        for entry in entries {
            let (first_list, first) = *seen.entry(entry.value).or_insert((list, entry));
            if std::ptr::eq(first, entry) {
                continue;
            }
            let path = format!("{}.{list}[{}]", guard.path, entry.index);
            let span = entry.span.clone();
            let found = if first_list == list {
                sink.warning(span, path, format!("prefix {} is named twice", entry.value))
            } else {
                let message = format!("prefix {} is in both lists", entry.value);
                sink.error(span, path, message).help("take it out of one of them".to_owned())
            };
            found.related(first.span.clone(), "first here");
        }
    }
}

/// Clients have the family of the address that they connect to.
fn same_family(service: &ServiceDraft, guard: &GuardDraft, sink: &mut Sink) {
    let Some(vip) = &service.address else { return };
    let is_ipv4 = vip.get_ref().is_ipv4();
    for (list, entries) in lists(guard) {
        let other = |entry: &&Entry<IpNet>| entry.value.addr().is_ipv4() != is_ipv4;
        let mut others = entries.iter().filter(other);
        let Some(entry) = others.next() else { continue };
        let more = match others.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let message = format!(
            "prefix {}{more} never matches: clients of {} come by {}",
            entry.value,
            service.title(),
            if is_ipv4 { "IPv4" } else { "IPv6" }
        );
        let path = format!("{}.{list}[{}]", guard.path, entry.index);
        sink.warning(entry.span.clone(), path, message)
            .related(vip.span(), "the service's address");
    }
}

fn lets_somebody_in(service: &ServiceDraft, guard: &GuardDraft, sink: &mut Sink) {
    let Some(default) = &guard.default else { return };
    if *default.get_ref() == GuardAction::Deny && !guard.allows {
        let message = format!("{} lets nobody in: `allow` is empty", service.title());
        sink.warning(default.span(), format!("{}.default", guard.path), message)
            .help("name who may: `allow = [\"10.0.0.0/8\"]`".to_owned());
    }
}
