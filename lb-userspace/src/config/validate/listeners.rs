//! What services claim for themselves: addresses with their ports, and marks.

use std::collections::HashMap;

use crate::{
    config::{diagnostic::Sink, draft::Draft},
    model::{Mode, Protocol},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    ports(draft, sink);
    marks(draft, sink);
    datagrams(draft, sink);
}

/// `udp_idle` speaks of UDP.
fn datagrams(draft: &Draft, sink: &mut Sink) {
    for service in &draft.services {
        let Some(idle) = &service.udp_idle else { continue };
        if service.ports.iter().all(|port| port.get_ref().protocol != Protocol::Udp) {
            let message = format!("{} has no UDP port: `udp_idle` does nothing", service.title());
            sink.warning(idle.span(), format!("{}.udp_idle", service.path), message);
        }
    }
}

/// An address, protocol and port belongs to one service. (`tcp/*` beside `tcp/80` is no conflict: the
/// port that is named wins.)
fn ports(draft: &Draft, sink: &mut Sink) {
    let mut owners = HashMap::new();
    for service in &draft.services {
        let Some(address) = &service.address else { continue };
        for (index, port) in service.ports.iter().enumerate() {
            let Some((owner, first)) =
                owners.insert((address.get_ref(), port.get_ref()), (service, port))
            else {
                continue;
            };
            let message = format!(
                "{} {} belongs to {} already",
                address.get_ref(),
                port.get_ref(),
                owner.title()
            );
            sink.error(port.span(), format!("{}.ports[{index}]", service.path), message)
                .related(first.span(), format!("{} has it here", owner.title()));
        }
    }
}

fn marks(draft: &Draft, sink: &mut Sink) {
    let mut owners = HashMap::new();
    for service in draft.services.iter().filter(|s| s.mode == Some(Mode::DirectRouting)) {
        let Some(mark) = &service.mark else { continue };
        let Some((owner, first)) = owners.insert(mark.get_ref(), (service, mark)) else { continue };
        let message = format!("mark {} belongs to {} already", mark.get_ref(), owner.title());
        sink.error(mark.span(), format!("{}.mark", service.path), message)
            .related(first.span(), format!("{} has it here", owner.title()))
            .help("a mark is the number of one service: choose another".to_owned());
    }
}
