//! A director in a container: what XDP sends out of a veth must be taken at the other end.

use super::{Facts, Finding, network::Interface};
use crate::model::XdpMode;

/// The other end of a veth takes frames of XDP only where it has an XDP program of its own. (With GRO alone
/// the kernel says yes, and leaves them lying: only the lack of both can be told from here.)
pub(super) fn other_end(facts: &Facts) -> Vec<Finding> {
    if facts.mode() == Some(XdpMode::Generic) {
        return Vec::new();
    }
    let lost = |interface: &&Interface| {
        interface.kind.as_deref() == Some("veth") && facts.card(interface).delivers == Some(false)
    };
    facts
        .looked_at()
        .filter(lost)
        .map(|interface| {
            Finding::warning(&interface.name)
                .problem("the other end of this veth takes no frames from XDP")
                .why("what lb sends out of it in native mode is lost")
                .remedy(
                    "attach an XDP program at the other end (one that passes everything will do), or set \
                     `xdp_mode = \"generic\"` under [node]",
                )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test::{card_mut, configure, director, eth0_mut};
    use super::*;

    #[test]
    fn only_a_veth_that_is_known_to_lose_frames() {
        for (kind, delivers, findings) in [
            (Some("veth"), Some(false), 1),
            (Some("veth"), Some(true), 0),
            (Some("veth"), None, 0),
            (None, Some(false), 0),
        ] {
            let mut facts = director();
            eth0_mut(&mut facts).kind = kind.map(str::to_owned);
            card_mut(&mut facts).delivers = delivers;
            assert_eq!(other_end(&facts).len(), findings, "{kind:?} {delivers:?}");
            configure(&mut facts, |text| text.replace("[node]", "[node]\nxdp_mode = \"generic\""));
            assert_eq!(other_end(&facts), []);
        }
    }
}
