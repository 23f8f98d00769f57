//! Native XDP: can the driver run the program, and do the frames fit?

use super::{
    Facts, Finding, Severity,
    network::{Bond, Interface},
};
use crate::model::XdpMode;

/// What is known of native mode on an interface.
#[derive(Debug, PartialEq, Eq)]
enum Native {
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
fn severity(facts: &Facts) -> Option<Severity> {
    match facts.mode() {
        None => Some(Severity::Hint),
        Some(XdpMode::Native) => Some(Severity::Error),
        Some(XdpMode::Auto) => Some(Severity::Warning),
        Some(XdpMode::Generic) => None,
    }
}

fn generic(facts: &Facts) -> &'static str {
    match facts.mode() {
        Some(XdpMode::Native) => {
            "`xdp_mode = \"native\"` allows nothing else: `lb run` would not start"
        }
        _ => "lb would run in generic mode, where each packet costs several times as much",
    }
}

/// A trial beats what is said of the kind, which beats what the kernel tells of the driver.
fn native(facts: &Facts, interface: &Interface) -> Native {
    let card = facts.card(interface);
    match card.trial {
        Some(Ok(())) => return Native::Yes,
        Some(Err(reason)) => return Native::No(reason, other_mode(facts)),
        None => {}
    }
    let parent = || facts.interface(interface.parent).map_or("its parent", |parent| &parent.name);
    let another = |what: &str| Native::No(format!("{what} has none"), other_mode(facts));
    match interface.kind.as_deref() {
        Some("vlan") => Native::No(
            "a VLAN sub-interface has none".to_owned(),
            format!(
                "attach to the parent: `interface = \"{}\"` (lb reads VLAN tags; real servers must be in a \
                 subnet of the parent itself), or accept generic mode: `xdp_mode = \"generic\"`",
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
        Some("veth" | "tun") => Native::Yes,
        _ => match card.native {
            Some(true) => Native::Yes,
            Some(false) => another("its driver"),
            None => Native::Unknown,
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
    let parts: Vec<_> =
        facts.interfaces.iter().filter(|part| part.master == Some(interface.index)).collect();
    let lacking = parts.iter().find(|part| facts.card(part).native == Some(false));
    match lacking {
        Some(part) => {
            Native::No(format!("the driver of its part {} has none", part.name), other_mode(facts))
        }
        None if parts.iter().all(|part| facts.card(part).native == Some(true)) => Native::Yes,
        None => Native::Unknown,
    }
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

/// A native program without multi-buffer support (lb's) sees a frame in one page: 4,096 bytes less 256 of
/// headroom, 320 of `skb_shared_info`, and 14 to 22 of Ethernet header and tags.
const LARGEST_MTU: u32 = 3_498;
/// Where the drivers that split a page earlier stop (i40e, ice, ixgbe: 3,072 bytes a buffer less 26).
const SURE_MTU: u32 = 3_046;

/// Do the largest frames fit into one buffer?
pub(super) fn frame_size(facts: &Facts) -> Vec<Finding> {
    let Some(severity) = severity(facts) else { return Vec::new() };
    facts
        .looked_at()
        .filter(|interface| {
            // What has been tried, or runs, fits; where there is no native mode, there is no limit.
            interface.ethernet
                && interface.xdp.is_none()
                && facts.card(interface).trial.is_none()
                && !matches!(native(facts, interface), Native::No(..))
        })
        .filter_map(|interface| {
            let Interface { name, mtu, .. } = interface;
            let (severity, problem) = match *mtu {
                mtu if mtu > LARGEST_MTU => (
                    severity,
                    format!("its MTU, {mtu}, is too large for native XDP: {LARGEST_MTU} is about the limit"),
                ),
                mtu if mtu > SURE_MTU => (
                    Severity::Hint,
                    format!("its MTU, {mtu}, is too large for native XDP on some drivers (i40e, ice, ixgbe)"),
                ),
                _ => return None,
            };
            let finding = Finding::new(severity, name)
                .problem(problem)
                .why(format!(
                    "lb's program takes a frame in one buffer: jumbo frames do not fit; {}",
                    generic(facts)
                ))
                .remedy(format!(
                    "`ip link set dev {name} mtu {SURE_MTU}` or less, on the whole segment; or \
                     `xdp_mode = \"generic\"`"
                ));
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test::{card_mut, configure, director, eth0_mut, interface, line};
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
            let mut facts = director();
            eth0_mut(&mut facts).mtu = 9000;
            with_mode(&mut facts, asked);
            let found = frame_size(&facts);
            assert_eq!(found.first().map(|finding| finding.severity), severity, "{asked}");
        }
    }

    #[test]
    fn a_trial_beats_everything() {
        for (trial, problem) in [
            (Ok(()), None),
            (Err("device busy".to_owned()), Some("no native XDP: device busy".to_owned())),
        ] {
            let mut facts = kind(Some("bridge"), Some(false));
            card_mut(&mut facts).trial = Some(trial);
            let found = mode(&facts);
            assert_eq!(found.first().map(|finding| finding.problem.clone()), problem);
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
                Some("no native XDP: the driver of its part eth11 has none"),
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

    #[test]
    fn large_frames() {
        for (mtu, severity) in [
            (1500, None),
            (SURE_MTU, None),
            (SURE_MTU + 1, Some(Severity::Hint)),
            (LARGEST_MTU, Some(Severity::Hint)),
            (LARGEST_MTU + 1, Some(Severity::Warning)),
            (9000, Some(Severity::Warning)),
        ] {
            let mut facts = director();
            eth0_mut(&mut facts).mtu = mtu;
            let found = frame_size(&facts);
            assert_eq!(found.first().map(|finding| finding.severity), severity, "{mtu}");
            // A bridge has no native mode to lose.
            eth0_mut(&mut facts).kind = Some("bridge".to_owned());
            assert_eq!(frame_size(&facts), [], "{mtu}");
        }
        let mut facts = director();
        eth0_mut(&mut facts).mtu = 9000;
        assert_eq!(
            line(&frame_size(&facts)[0]),
            "warning eth0: its MTU, 9000, is too large for native XDP: 3498 is about the limit | \
             `ip link set dev eth0 mtu 3046` or less, on the whole segment; or `xdp_mode = \"generic\"`"
        );
    }
}
