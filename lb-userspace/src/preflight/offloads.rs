//! What a card does to frames before XDP sees them.

use super::{Facts, Finding, Offload, Queues, network::Interface};
use crate::model::XdpMode;

/// Frames that the card has joined do not fit into one buffer.
pub(super) fn large_receive(facts: &Facts) -> Vec<Finding> {
    if facts.mode() == Some(XdpMode::Generic) {
        // The kernel switches both off by itself.
        return Vec::new();
    }
    let each = |interface: &Interface| {
        let card = facts.card(interface);
        let offloads = [("LRO", "lro", card.lro), ("hardware GRO", "rx-gro-hw", card.gro_hw)];
        offloads.map(|(what, flag, state)| joined(&interface.name, what, flag, state))
    };
    // What stands on a card shows what the card might do.
    let cards = cards(facts).filter(|interface| interface.kind.is_none());
    cards.flat_map(each).flatten().collect()
}

/// The interfaces that are looked at; instead of a bond, its parts.
fn cards(facts: &Facts) -> impl Iterator<Item = &Interface> {
    facts.looked_at().flat_map(|interface| {
        let itself = (interface.kind.as_deref() != Some("bond")).then_some(interface);
        itself.into_iter().chain(facts.parts_of(interface))
    })
}

fn joined(name: &str, what: &str, flag: &str, state: Offload) -> Option<Finding> {
    let finding = Finding::warning(name)
        .problem(format!("{what} is on: the card joins packets of a connection"))
        .why(
            "joined packets do not fit into one XDP buffer: drivers refuse native XDP, drop them, or switch \
             it off by themselves; and what was joined must not be forwarded",
        );
    match state {
        Offload::Off => None,
        Offload::On => Some(finding.remedy(format!("ethtool -K {name} {flag} off"))),
        Offload::Fixed => Some(finding.remedy("the driver does not let it go: switch it off where the card comes from (the hypervisor's \
             settings; QEMU's virtio-net: `guest_tso4=off,guest_tso6=off`), or take \
             `xdp_mode = \"generic\"`")),
    }
}

/// A tag that the card takes off is invisible to XDP.
pub(super) fn vlan_strip(facts: &Facts) -> Vec<Finding> {
    let each = |interface: &Interface| {
        let below = |index| index == Some(interface.index) || index == interface.master;
        let vlan = facts.interfaces.iter().find(|vlan| {
            vlan.kind.as_deref() == Some("vlan") && vlan.parent.is_some() && below(vlan.parent)
        })?;
        let name = &interface.name;
        let remedy = match facts.card(interface).vlan_strip {
            Offload::Off => return None,
            // The other end leaves the tag beside the frame; switching this end over changes nothing but what is
            // said here.
            Offload::On if interface.kind.as_deref() == Some("veth") => {
                format!(
                    "at its other end `ethtool -K PEER txvlan off`; then here `ethtool -K {name} rxvlan off`"
                )
            }
            Offload::On => format!("ethtool -K {name} rxvlan off"),
            Offload::Fixed => {
                "the driver does not let it go: use a card of its own for the VLAN".to_owned()
            }
        };
        let finding = Finding::warning(name)
            .problem(format!("the card takes off VLAN tags, and {} is a VLAN on it", vlan.name))
            .why(
                "XDP sees such frames without their tag: what it sends back to their senders, and in generic mode \
                 all that it forwards, gets into the wrong VLAN",
            )
            .remedy(remedy);
        Some(finding)
    };
    cards(facts).filter_map(each).collect()
}

/// Each receive queue is served by one CPU.
pub(super) fn queues(facts: &Facts) -> Vec<Finding> {
    let Some(cpus) = facts.cpus else { return Vec::new() };
    let each = |interface: &Interface| {
        let Queues { used, most, combined } = facts.card(interface).queues?;
        let wanted = most.min(cpus);
        let (name, kind) = (&interface.name, if combined { "combined" } else { "rx" });
        (used < wanted).then(|| {
            Finding::hint(name)
                .problem(format!("{used} of {most} receive queues in use, with {cpus} CPUs"))
                .why("each queue is served by one CPU: the others do not forward")
                .remedy(format!("ethtool -L {name} {kind} {wanted}"))
        })
    };
    cards(facts).filter_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test::{card_mut, configure, director, eth0_mut, interface, lines};
    use super::*;

    #[test]
    fn joined_packets() {
        let mut facts = director();
        card_mut(&mut facts).lro = Offload::On;
        assert_eq!(
            lines(&large_receive(&facts)),
            [
                "warning eth0: LRO is on: the card joins packets of a connection | ethtool -K eth0 lro off"
            ]
        );
        card_mut(&mut facts).lro = Offload::Off;
        card_mut(&mut facts).gro_hw = Offload::Fixed;
        let found = large_receive(&facts);
        assert_eq!(found.len(), 1);
        assert!(found[0].problem.starts_with("hardware GRO"), "{found:?}");
        assert!(found[0].remedy.contains("hypervisor"), "{found:?}");
        configure(&mut facts, |text| text.replace("[node]", "[node]\nxdp_mode = \"generic\""));
        assert_eq!(large_receive(&facts), []);
    }

    #[test]
    fn the_cards_of_a_bond() {
        let mut facts = director();
        card_mut(&mut facts).lro = Offload::On;
        card_mut(&mut facts).vlan_strip = Offload::On;
        card_mut(&mut facts).queues = Some(Queues { used: 1, most: 4, combined: true });
        let of_kind = |kind: &str, it: Interface| Interface { kind: Some(kind.to_owned()), ..it };
        facts.interfaces[1].master = Some(9);
        facts.interfaces.push(of_kind("bond", interface("bond0", 9, &["10.8.8.41/24"])));
        let vlan = of_kind("vlan", interface("bond0.100", 10, &[]));
        facts.interfaces.push(Interface { parent: Some(9), ..vlan });
        // A bond shows LRO where no card does it.
        facts.cards.insert("bond0".to_owned(), facts.cards["eth0"].clone());
        configure(&mut facts, |text| text.replace("eth0", "bond0"));
        for check in [large_receive, vlan_strip, queues] {
            let found = check(&facts);
            let subjects: Vec<_> = found.iter().map(|finding| finding.subject.as_str()).collect();
            assert_eq!(subjects, ["eth0"], "{found:?}");
        }
    }

    #[test]
    fn tags_matter_where_there_are_vlans() {
        let mut facts = director();
        card_mut(&mut facts).vlan_strip = Offload::On;
        assert_eq!(vlan_strip(&facts), []);
        let kind = Some("vlan".to_owned());
        let vlan = Interface { kind, parent: Some(2), ..interface("eth0.100", 7, &[]) };
        facts.interfaces.push(vlan);
        assert_eq!(
            lines(&vlan_strip(&facts)),
            ["warning eth0: the card takes off VLAN tags, and eth0.100 is a VLAN on it | \
              ethtool -K eth0 rxvlan off"]
        );
        eth0_mut(&mut facts).kind = Some("veth".to_owned());
        assert_eq!(
            vlan_strip(&facts)[0].remedy,
            "at its other end `ethtool -K PEER txvlan off`; then here `ethtool -K eth0 rxvlan off`"
        );
        card_mut(&mut facts).vlan_strip = Offload::Off;
        assert_eq!(vlan_strip(&facts), []);
    }

    #[test]
    fn fewer_queues_than_could_be() {
        for (used, most, combined, expected) in [
            (4, 8, true, None),
            (1, 1, true, None),
            (1, 2, true, Some("ethtool -L eth0 combined 2")),
            (2, 8, false, Some("ethtool -L eth0 rx 4")),
        ] {
            let mut facts = director();
            card_mut(&mut facts).queues = Some(Queues { used, most, combined });
            let found = queues(&facts);
            assert_eq!(found.first().map(|finding| finding.remedy.as_str()), expected);
        }
    }
}
