//! The interfaces themselves: are they there, up, free, and the right ones?

use super::{Facts, Finding, Severity, host, network::Interface, refusal};

/// Each configured interface as `lb run` wants it.
pub(super) fn present(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return other_than_ethernet(facts) };
    config
        .node
        .interfaces
        .iter()
        .filter_map(|name| host::interface(name.as_str(), &facts.interfaces).err())
        .map(|error| refusal::finding(&error))
        .collect()
}

fn other_than_ethernet(facts: &Facts) -> Vec<Finding> {
    facts
        .looked_at()
        .filter_map(|interface| {
            let error = host::interface(&interface.name, &facts.interfaces).err()?;
            Some(Finding { severity: Severity::Hint, ..refusal::finding(&error) })
        })
        .collect()
}

/// No XDP program of somebody else.
pub(super) fn occupied(facts: &Facts) -> Vec<Finding> {
    let with_program = |interface: &&Interface| interface.xdp.is_some();
    facts
        .looked_at()
        .flat_map(|interface| {
            // A bond runs its program on its parts: what they have is its own.
            let parts = facts.parts_of(interface).filter(|_| interface.xdp.is_none());
            std::iter::once(interface).chain(parts).filter(with_program)
        })
        .filter_map(|interface| occupant(facts, interface))
        .collect()
}

fn occupant(facts: &Facts, interface: &Interface) -> Option<Finding> {
    let xdp = interface.xdp?;
    let name = &interface.name;
    let ours = facts.card(interface).ours;
    let (severity, which) = match (ours, &facts.config) {
        (Some(true), _) => return None,
        (Some(false), Some(_)) => (Severity::Error, "another XDP program"),
        (Some(false), None) => (Severity::Warning, "another XDP program"),
        (None, _) => (Severity::Warning, "an XDP program (lb's own or not: only root can tell)"),
    };
    let finding = Finding::new(severity, name)
        .problem(format!("{which} is attached, id {}, {} mode", xdp.prog_id, xdp.mode))
        .why("an interface has room for one; `lb run` never pushes out a stranger's")
        .remedy(format!(
            "`bpftool net` shows it; detach it with its own tool, or with `ip link set dev {name} xdp off`"
        ));
    Some(finding)
}

/// An interface that is a part of another is seldom the one that was meant.
pub(super) fn parts(facts: &Facts) -> Vec<Finding> {
    facts.looked_at().filter_map(|interface| part(facts, interface)).collect()
}

fn part(facts: &Facts, interface: &Interface) -> Option<Finding> {
    // Without a configuration nobody has said that it is meant.
    facts.config.as_ref()?;
    let master = facts.interface(interface.master)?;
    let (name, master_name) = (&interface.name, &master.name);
    let finding = match master.kind.as_deref() {
        Some("bond") => Finding::error(name)
            .problem(format!("it is a part of {master_name}"))
            .why("packets of the bond that come in by its other parts would not be forwarded"),
        Some("bridge") => Finding::warning(name)
            .problem(format!("it is a port of {master_name}"))
            .why("the host's addresses are on the bridge, and what comes in by its other ports is not seen"),
        _ => return None,
    };
    Some(finding.remedy(format!("set `interface = \"{master_name}\"` under [node]")))
}

#[cfg(test)]
mod tests {
    use super::super::{
        network::{XdpAttachment, XdpAttachmentMode},
        test::{card_mut, configure, director, eth0_mut, interface, lines},
    };
    use super::*;

    #[test]
    fn missing_down_or_not_ethernet() {
        let mut facts = director();
        configure(&mut facts, |text| text.replace("eth0", "eht0"));
        assert_eq!(
            lines(&present(&facts)),
            ["error eht0: there is no such interface; this host has lo, eth0 | \
              did you mean `interface = \"eth0\"`?"]
        );
        let mut facts = director();
        eth0_mut(&mut facts).up = false;
        assert_eq!(lines(&present(&facts)), ["error eth0: it is down | ip link set dev eth0 up"]);
        let wg0 = Interface {
            ethernet: false,
            kind: Some("wireguard".to_owned()),
            ..interface("wg0", 3, &[])
        };
        let mut facts = director();
        facts.interfaces.push(wg0);
        configure(&mut facts, |text| text.replace("\"eth0\"", "\"wg0\""));
        let found = present(&facts);
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(found[0].problem, "it is wireguard, which carries no Ethernet frames");
        // Nobody has said that lb shall run there.
        facts.config = None;
        let found = present(&facts);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Hint));
    }

    #[test]
    fn a_program_that_is_there() {
        let none = facts_with_program(None);
        let ours = facts_with_program(Some(true));
        let other = facts_with_program(Some(false));
        assert_eq!(occupied(&director()), []);
        assert_eq!(occupied(&ours), []);
        assert_eq!(
            lines(&occupied(&other)),
            [
                "error eth0: another XDP program is attached, id 7, generic mode | `bpftool net` shows it; \
              detach it with its own tool, or with `ip link set dev eth0 xdp off`"
            ]
        );
        assert_eq!(occupied(&none)[0].severity, Severity::Warning);
    }

    fn facts_with_program(ours: Option<bool>) -> Facts {
        let mut facts = director();
        eth0_mut(&mut facts).xdp =
            Some(XdpAttachment { mode: XdpAttachmentMode::Generic, prog_id: 7 });
        card_mut(&mut facts).ours = ours;
        facts
    }

    #[test]
    fn a_program_on_a_part_of_a_bond() {
        let mut facts = facts_with_program(Some(false));
        eth0_mut(&mut facts).master = Some(9);
        let kind = Some("bond".to_owned());
        facts.interfaces.push(Interface { kind, ..interface("bond0", 9, &[]) });
        configure(&mut facts, |text| text.replace("eth0", "bond0"));
        assert_eq!(occupied(&facts)[0].subject, "eth0");
        // The bond's own program shows on its parts.
        facts.interfaces[2].xdp =
            Some(XdpAttachment { mode: XdpAttachmentMode::Native, prog_id: 7 });
        facts.cards.entry("bond0".to_owned()).or_default().ours = Some(true);
        assert_eq!(occupied(&facts), []);
    }

    #[test]
    fn a_part_of_something_larger() {
        for (kind, severity) in
            [("bond", Some(Severity::Error)), ("bridge", Some(Severity::Warning)), ("vrf", None)]
        {
            let mut facts = director();
            eth0_mut(&mut facts).master = Some(9);
            let kind = Some(kind.to_owned());
            facts.interfaces.push(Interface { kind, ..interface("over0", 9, &[]) });
            assert_eq!(parts(&facts).first().map(|finding| finding.severity), severity);
            facts.config = None;
            assert_eq!(parts(&facts), []);
        }
    }
}
