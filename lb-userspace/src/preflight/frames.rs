//! The size of frames: native XDP takes one in one buffer.

use super::{
    Facts, Finding, Severity,
    native::{self, Native},
    network::Interface,
};

/// A native program without multi-buffer support (lb's) sees a frame in one page: 4,096 bytes less 256 of
/// headroom, 320 of `skb_shared_info`, and 14 to 22 of Ethernet header and tags.
const LARGEST_MTU: u32 = 3_498;
/// Where the drivers that split a page earlier stop (i40e, ice, ixgbe: 3,072 bytes a buffer less 26).
const SURE_MTU: u32 = 3_046;

/// Do the largest frames fit into one buffer?
pub(super) fn size(facts: &Facts) -> Vec<Finding> {
    let Some(severity) = native::severity(facts) else { return Vec::new() };
    facts
        .looked_at()
        .filter(|interface| {
            // What has been tried, or runs, fits; where there is no native mode, there is no limit.
            interface.ethernet
                && interface.xdp.is_none()
                && facts.card(interface).trial.is_none()
                && !matches!(native::native(facts, interface), Native::No(..))
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
                    native::generic(facts)
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
    use super::super::test::{configure, director, eth0_mut, line};
    use super::*;

    #[test]
    fn the_mode_asked_for_decides_how_bad_it_is() {
        for (asked, severity) in [
            ("auto", Some(Severity::Warning)),
            ("native", Some(Severity::Error)),
            ("generic", None),
        ] {
            let mut facts = director();
            eth0_mut(&mut facts).mtu = 9000;
            configure(&mut facts, |text| {
                text.replace("[node]", &format!("[node]\nxdp_mode = \"{asked}\""))
            });
            let found = size(&facts);
            assert_eq!(found.first().map(|finding| finding.severity), severity, "{asked}");
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
            let found = size(&facts);
            assert_eq!(found.first().map(|finding| finding.severity), severity, "{mtu}");
            // A bridge has no native mode to lose.
            eth0_mut(&mut facts).kind = Some("bridge".to_owned());
            assert_eq!(size(&facts), [], "{mtu}");
        }
        let mut facts = director();
        eth0_mut(&mut facts).mtu = 9000;
        assert_eq!(
            line(&size(&facts)[0]),
            "warning eth0: its MTU, 9000, is too large for native XDP: 3498 is about the limit | \
             `ip link set dev eth0 mtu 3046` or less, on the whole segment; or `xdp_mode = \"generic\"`"
        );
    }
}
