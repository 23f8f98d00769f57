//! Ends of tunnels: addresses of this host, and senders that can reach them.

use super::addresses;
use crate::config::{diagnostic::Sink, draft::Draft};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    let senders = &draft.decapsulate.senders;
    for entry in &draft.decapsulate.addresses {
        let path = format!("node.decapsulate[{}]", entry.index);
        addresses::unicast(entry.value, &entry.span, &path, "the end of a tunnel", sink);
        let is_ipv4 = entry.value.is_ipv4();
        if senders.is_empty() || senders.iter().any(|from| from.value.addr().is_ipv4() == is_ipv4) {
            continue;
        }
        let family = if is_ipv4 { "IPv4" } else { "IPv6" };
        let message = format!(
            "nobody may send to {}: `decapsulate_from` has no {family} prefix",
            entry.value
        );
        sink.warning(entry.span.clone(), path, message)
            .help("add the directors' network to `decapsulate_from`".to_owned());
    }
}
