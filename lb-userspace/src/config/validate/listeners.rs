//! What services claim for themselves: addresses with their ports, marks, and how datagrams are kept.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, ServiceDraft},
        table::Entry,
    },
    model::{PortSpec, Protocol},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    ports(draft, sink);
    marks(draft, sink);
    for service in &draft.services {
        datagrams(service, sink);
    }
}

/// `udp_idle` and `quic` speak of UDP, and not of the same.
fn datagrams(service: &ServiceDraft, sink: &mut Sink) {
    // Ports that were refused may have been UDP.
    let has_udp = service.ports.iter().any(|port| port.value.protocol == Protocol::Udp)
        || service.ports.is_empty();
    if let Some(idle) = service.udp_idle.as_ref().filter(|_| !has_udp) {
        let message = format!("{} has no UDP port: `udp_idle` does nothing", service.title());
        sink.warning(idle.span(), format!("{}.udp_idle", service.path), message);
    }
    let Some(quic) = &service.quic else { return };
    let path = format!("{}.quic", service.path);
    if let Some(idle) = &service.udp_idle {
        let message = "a service has `quic` or `udp_idle`: QUIC's connections end as TCP's do";
        sink.error(quic.clone(), path, message)
            .related(idle.span(), "said here")
            .help("keep one of them; to have both, make two services".to_owned());
    } else if !has_udp {
        let message = format!("{} has no UDP port: QUIC needs one", service.title());
        sink.error(quic.clone(), path, message)
            .help("add one such as `udp/443`, or leave `quic` out".to_owned());
    }
}

/// Ports of an address and protocol by the first of each spec; the specs do not overlap.
type Owners<'a> = BTreeMap<u16, (&'a ServiceDraft, &'a Entry<PortSpec>)>;

/// An address, protocol and port belongs to one service. (`tcp/*` beside `tcp/80` is no conflict: the
/// port that is named wins.)
fn ports(draft: &Draft, sink: &mut Sink) {
    let mut taken: HashMap<(IpAddr, Protocol), Owners<'_>> = HashMap::new();
    for service in &draft.services {
        let Some(address) = &service.address else { continue };
        for port in &service.ports {
            let key = (*address.get_ref(), port.value.protocol);
            let owners = taken.entry(key).or_default();
            let before = owners.range(..=port.value.last).next_back().map(|(_, owner)| *owner);
            match before.filter(|(_, first)| first.value.overlaps(port.value)) {
                Some(owner) => overlap(*address.get_ref(), service, port, owner, sink),
                None => _ = owners.insert(port.value.first, (service, port)),
            }
        }
    }
}

fn overlap(
    address: IpAddr,
    service: &ServiceDraft,
    port: &Entry<PortSpec>,
    (owner, first): (&ServiceDraft, &Entry<PortSpec>),
    sink: &mut Sink,
) {
    let message = if port.value == first.value {
        format!("{address} {} belongs to {} already", port.value, owner.title())
    } else {
        format!(
            "{address} {} of {} overlaps {} of {}: a port belongs to one service",
            port.value,
            service.title(),
            first.value,
            owner.title()
        )
    };
    sink.error(port.span.clone(), format!("{}.ports[{}]", service.path, port.index), message)
        .related(first.span.clone(), format!("{} has it here", owner.title()))
        .help(format!("leave the port out here, or take it from {}", owner.title()));
}

fn marks(draft: &Draft, sink: &mut Sink) {
    let mut owners = HashMap::new();
    for service in &draft.services {
        let Some(mark) = &service.mark else { continue };
        let Some((owner, first)) = owners.insert(mark.get_ref(), (service, mark)) else { continue };
        let message = format!("mark {} belongs to {} already", mark.get_ref(), owner.title());
        sink.error(mark.span(), format!("{}.mark", service.path), message)
            .related(first.span(), format!("{} has it here", owner.title()))
            .help("a mark is the number of one service: choose another".to_owned());
    }
}
