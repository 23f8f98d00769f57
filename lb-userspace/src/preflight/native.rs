//! Native XDP: can the driver run the program?

use super::{
    Facts, Finding, Severity,
    network::{Bond, Interface},
};
use crate::model::XdpMode;

/// What is known of native mode on an interface.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Native {
    /// It is there.
    Yes,
    /// Why not, and what to do instead.
    No(String, String),
    /// Nobody has tried, and the kernel does not tell.
    Unknown,
}

/// In which mode the program will run.
pub(super) fn mode(facts: &Facts) -> Vec<Finding> {
    facts.looked_at().filter_map(|interface| mode_of(facts, interface)).collect()
}

fn mode_of(facts: &Facts, interface: &Interface) -> Option<Finding> {
    let severity = severity(facts)?;
    // What runs already needs no forecast; what is no Ethernet is refused elsewhere.
    if interface.xdp.is_some() || !interface.ethernet {
        return None;
    }
    match native(facts, interface) {
        Native::Yes => None,
        Native::No(problem, remedy) => Some(
            Finding::new(severity, &interface.name)
                .problem(format!("no native XDP: {problem}"))
                .why(generic(facts))
                .remedy(remedy),
        ),
        Native::Unknown => Some(
            Finding::hint(&interface.name)
                .problem("whether its driver has native XDP is not known")
                .why("kernels before 6.3 do not tell; in generic mode each packet costs several times as much")
                .remedy("`lb preflight --try` runs a program there for a moment that passes every packet"),
        ),
    }
}

/// What the lack of native mode means; `None` where generic mode is what was asked for.
pub(super) fn severity(facts: &Facts) -> Option<Severity> {
    match facts.mode() {
        None => Some(Severity::Hint),
        Some(XdpMode::Native) => Some(Severity::Error),
        Some(XdpMode::Auto) => Some(Severity::Warning),
        Some(XdpMode::Generic) => None,
    }
}

/// What comes instead of it.
pub(super) fn generic(facts: &Facts) -> &'static str {
    match facts.mode() {
        Some(XdpMode::Native) => {
            "`xdp_mode = \"native\"` allows nothing else: `lb run` would not start"
        }
        _ => "lb would run in generic mode, where each packet costs several times as much",
    }
}

/// A trial beats what is said of the kind, which beats what the kernel tells of the driver.
pub(super) fn native(facts: &Facts, interface: &Interface) -> Native {
    let expected = expected(facts, interface);
    match (facts.card(interface).trial, expected) {
        (None, expected) => expected,
        (Some(Ok(())), _) => Native::Yes,
        // The kind knows the reason, and what to do, better than the kernel's number of an error.
        (Some(Err(_)), known @ Native::No(..)) => known,
        (Some(Err(reason)), Native::Yes | Native::Unknown) => Native::No(reason, other_mode(facts)),
    }
}

fn expected(facts: &Facts, interface: &Interface) -> Native {
    let card = facts.card(interface);
    let parent = || facts.interface(interface.parent).map_or("its parent", |parent| &parent.name);
    let another = |what: &str| Native::No(format!("{what} has none"), other_mode(facts));
    match interface.kind.as_deref() {
        Some("vlan") => Native::No(
            "a VLAN sub-interface has none".to_owned(),
            format!(
                "attach to the parent: `interface = \"{}\"` (lb reads and writes VLAN tags; real servers may be \
                 in any of its VLANs), or accept generic mode: `xdp_mode = \"generic\"`",
                parent()
            ),
        ),
        Some("bridge") => another("a bridge"),
        Some("bond") => bond(facts, interface),
        Some(kind @ ("macvlan" | "macvtap" | "ipvlan" | "ipvtap")) => Native::No(
            format!("an interface of kind {kind} has none"),
            format!("give the director an interface of its own, or {}", other_mode(facts)),
        ),
        Some(
            kind @ ("team" | "dummy" | "ifb" | "vxlan" | "geneve" | "gretap" | "ip6gretap"
            | "macsec" | "netkit" | "batadv" | "hsr"),
        ) => another(&format!("an interface of kind {kind}")),
        kind => match (card.native, kind) {
            (Some(true), _) | (None, Some("veth" | "tun")) => Native::Yes,
            (Some(false), Some("veth")) => Native::No(
                "a veth has none while its other end has more transmit queues than it has receive queues"
                    .to_owned(),
                format!("`ethtool -L` at the other end, or {}", other_mode(facts)),
            ),
            (Some(false), _) => another("its driver"),
            (None, _) => Native::Unknown,
        },
    }
}

/// As the kernel's bonding driver decides since 5.15: not where the choice of a part needs more than the
/// frame, and every part must have native mode itself.
fn bond(facts: &Facts, interface: &Interface) -> Native {
    let Some(Bond { mode, policy }) = &interface.bond else { return Native::Unknown };
    let fits = match mode.as_str() {
        "balance-rr" | "active-backup" => true,
        "802.3ad" | "balance-xor" => policy != "vlan+srcmac",
        _ => false,
    };
    if !fits {
        let policy = if policy == "vlan+srcmac" { ", policy vlan+srcmac" } else { "" };
        return Native::No(
            format!("a bond in mode {mode}{policy} has none"),
            "use active-backup, balance-rr, or 802.3ad or balance-xor with a layer2, layer2+3 or layer3+4 policy"
                .to_owned(),
        );
    }
    let mut all = Native::Yes;
    for part in facts.parts_of(interface) {
        match native(facts, part) {
            Native::Yes => {}
            Native::No(..) => {
                let problem = format!("its part {} has none", part.name);
                return Native::No(problem, other_mode(facts));
            }
            Native::Unknown => all = Native::Unknown,
        }
    }
    all
}

fn other_mode(facts: &Facts) -> String {
    match facts.mode() {
        Some(XdpMode::Native) => {
            "set `xdp_mode = \"auto\"` or \"generic\" under [node] to accept the slower mode".to_owned()
        }
        _ => "use a card whose driver has native XDP, or accept it: `xdp_mode = \"generic\"` under [node]"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::{card_mut, configure, director, eth0_mut, interface};
    use super::*;

    /// The director with this kind of interface, of whose driver the kernel tells `native`.
    fn kind(kind: Option<&str>, native: Option<bool>) -> Facts {
        let mut facts = director();
        eth0_mut(&mut facts).kind = kind.map(str::to_owned);
        card_mut(&mut facts).native = native;
        facts
    }

    fn with_mode(facts: &mut Facts, mode: &str) {
        configure(facts, |text| text.replace("[node]", &format!("[node]\nxdp_mode = \"{mode}\"")));
    }

    #[test]
    fn kinds_of_interfaces() {
        for (name, told, expected) in [
            (None, Some(true), None),
            (None, Some(false), Some("no native XDP: its driver has none")),
            (None, None, Some("whether its driver has native XDP is not known")),
            (Some("veth"), None, None),
            (Some("tun"), Some(true), None),
            (Some("vlan"), None, Some("no native XDP: a VLAN sub-interface has none")),
            (Some("bridge"), None, Some("no native XDP: a bridge has none")),
            (Some("macvlan"), None, Some("no native XDP: an interface of kind macvlan has none")),
            (Some("dummy"), None, Some("no native XDP: an interface of kind dummy has none")),
            (
                Some("vxlan"),
                Some(false),
                Some("no native XDP: an interface of kind vxlan has none"),
            ),
        ] {
            let found = mode(&kind(name, told));
            let problem = found.first().map(|finding| finding.problem.as_str());
            assert_eq!(problem, expected, "{name:?}");
        }
    }

    #[test]
    fn the_parent_of_a_vlan_is_named() {
        let mut facts = kind(Some("vlan"), None);
        eth0_mut(&mut facts).parent = Some(7);
        facts.interfaces.push(interface("enp1s0", 7, &[]));
        assert!(mode(&facts)[0].remedy.contains("`interface = \"enp1s0\"`"));
    }

    #[test]
    fn the_mode_asked_for_decides_how_bad_it_is() {
        for (asked, severity) in [
            ("auto", Some(Severity::Warning)),
            ("native", Some(Severity::Error)),
            ("generic", None),
        ] {
            let mut facts = kind(Some("bridge"), None);
            with_mode(&mut facts, asked);
            assert_eq!(mode(&facts).first().map(|finding| finding.severity), severity, "{asked}");
        }
    }

    #[test]
    fn a_trial_beats_everything_but_a_better_reason() {
        let busy = || Err("device busy".to_owned());
        for (name, trial, expected) in [
            (None, Ok(()), None),
            (None, busy(), Some("no native XDP: device busy")),
            (Some("bridge"), Ok(()), None),
            (Some("bridge"), busy(), Some("no native XDP: a bridge has none")),
        ] {
            let mut facts = kind(name, None);
            card_mut(&mut facts).trial = Some(trial);
            let found = mode(&facts);
            let problem = found.first().map(|finding| finding.problem.as_str());
            assert_eq!(problem, expected, "{name:?}");
        }
    }

    #[test]
    fn bonds() {
        let bond_of = |bonding: &str, policy: &str, parts: &[Option<bool>]| {
            let mut facts = kind(Some("bond"), None);
            eth0_mut(&mut facts).bond =
                Some(Bond { mode: bonding.to_owned(), policy: policy.to_owned() });
            for (index, native) in (10..).zip(parts) {
                let part = interface(&format!("eth{index}"), index, &[]);
                let card = super::super::Card { native: *native, ..Default::default() };
                facts.cards.insert(part.name.clone(), card);
                facts.interfaces.push(Interface { master: Some(2), ..part });
            }
            mode(&facts).first().map(|finding| finding.problem.clone())
        };
        let good = [Some(true), Some(true)];
        for (mode, policy, parts, expected) in [
            ("active-backup", "layer2", &good[..], None),
            ("balance-rr", "vlan+srcmac", &good, None),
            ("802.3ad", "layer3+4", &good, None),
            ("balance-xor", "layer2+3", &good, None),
            (
                "802.3ad",
                "vlan+srcmac",
                &good,
                Some("no native XDP: a bond in mode 802.3ad, policy vlan+srcmac has none"),
            ),
            (
                "balance-alb",
                "layer2",
                &good,
                Some("no native XDP: a bond in mode balance-alb has none"),
            ),
            (
                "broadcast",
                "layer2",
                &good,
                Some("no native XDP: a bond in mode broadcast has none"),
            ),
            (
                "802.3ad",
                "layer2",
                &[Some(true), Some(false)],
                Some("no native XDP: its part eth11 has none"),
            ),
            (
                "802.3ad",
                "layer2",
                &[Some(true), None],
                Some("whether its driver has native XDP is not known"),
            ),
        ] {
            assert_eq!(bond_of(mode, policy, parts).as_deref(), expected, "{mode} {policy}");
        }
    }
}
