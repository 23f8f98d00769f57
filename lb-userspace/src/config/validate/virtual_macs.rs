//! Virtual MAC addresses: interfaces that can be made, each for one instance.

use std::{collections::HashMap, ops::Range};

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, VirtualMacDraft, VrrpDraft},
    },
    model::InterfaceName,
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    let mut made: HashMap<&InterfaceName, (&VrrpDraft, Range<usize>)> = HashMap::new();
    for instance in &draft.vrrp {
        let Some(wanted) = &instance.virtual_mac else { continue };
        multicast(instance, wanted, sink);
        let Some(name) = &wanted.interface else { continue };
        if uses(draft, name) {
            let message =
                format!("`{name}` is an interface that the configuration uses: it cannot be made");
            sink.error(wanted.span.clone(), &wanted.path, message)
                .help("choose a name that is free, or leave it out".to_owned());
        }
        if let Some((owner, first)) = made.insert(name, (instance, wanted.span.clone())) {
            let message = format!("`{name}` is made for {} already", owner.title());
            sink.error(wanted.span.clone(), &wanted.path, message)
                .related(first, "first here")
                .help("name it: `virtual_mac_interface = \"vrrp.eth1\"`".to_owned());
        }
    }
}

fn multicast(instance: &VrrpDraft, wanted: &VirtualMacDraft, sink: &mut Sink) {
    let Some(peer) = instance.unicast_peers.first() else { return };
    let message = "`virtual_mac` with `unicast_peers`: networks without multicast know the hosts' own MAC \
                   addresses alone";
    sink.error(wanted.span.clone(), &wanted.path, message)
        .related(peer.span.clone(), "a peer")
        .help("leave one of them out".to_owned());
}

/// Does packets' way, or an instance, name it?
fn uses(draft: &Draft, name: &InterfaceName) -> bool {
    let node = draft.node.iter().flat_map(|node| &node.interfaces);
    let instances = draft.vrrp.iter().filter_map(|instance| instance.interface.as_ref());
    node.chain(instances).any(|used| used == name)
}
