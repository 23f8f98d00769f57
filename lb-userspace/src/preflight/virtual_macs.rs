//! Virtual MAC addresses of VRRP instances: an interface that the kernel has to make, and that has to answer.

use super::{Facts, Finding, setting::Setting};
use crate::{model::VrrpInstance, vrrp::types::Family};

const ARP_FILTER: &str = "arp_filter";

/// What keeps instances from having theirs.
pub(super) fn virtual_macs(facts: &Facts) -> Vec<Finding> {
    let instances = facts.config.iter().flat_map(|config| &config.vrrp);
    let instances: Vec<_> = instances.filter(|one| one.virtual_mac.is_some()).collect();
    let Some(first) = instances.first() else { return Vec::new() };
    let mut findings: Vec<_> = instances.iter().filter_map(|one| beneath(facts, one)).collect();
    if facts.macvlans == Some(false) {
        let finding = Finding::error("macvlan")
            .problem(format!(
                "this kernel has none, and VRRP instance {} has `virtual_mac`",
                first.name
            ))
            .why("`lb run` cannot make the interface that has the virtual MAC address")
            .remedy("modprobe macvlan");
        findings.push(finding);
    }
    let all = Setting::ipv4("all", ARP_FILTER);
    let filtered = facts.settings.get(&all).is_some_and(|value| *value != 0);
    if filtered && instances.iter().any(|one| one.id.family == Family::V4) {
        let finding = Finding::warning(all.to_string())
            .problem(format!("it is on, and VRRP instance {} has `virtual_mac`", first.name))
            .why(
                "an interface answers for its addresses only where answers leave by it, and those for the VIPs leave \
                 by the interface beneath: nobody answers",
            )
            .remedy(format!("sysctl -w {all}=0"));
        findings.push(finding);
    }
    findings
}

/// The interface that it is to stand on.
fn beneath(facts: &Facts, instance: &VrrpInstance) -> Option<Finding> {
    let name = instance.id.interface.as_str();
    let interface = facts.interfaces.iter().find(|interface| interface.name == name)?;
    let problem = if !interface.ethernet {
        "it is no Ethernet"
    } else if interface.master.is_some() {
        "it is a part of a bridge or bond"
    } else {
        return None;
    };
    let finding = Finding::error(name)
        .problem(format!("{problem}, and VRRP instance {} has `virtual_mac`", instance.name))
        .why("it cannot bear a second MAC address")
        .remedy("put the instance on another interface, or leave `virtual_mac` out");
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::super::test::{configure, director, eth0_mut, lines, set};
    use super::*;

    const INSTANCE: &str = "
[[vrrp]]
name = \"shared\"
interface = \"eth0\"
virtual_router_id = 51
addresses = [\"10.8.8.40\"]
";

    #[test]
    fn what_is_in_the_way() {
        let mut facts = director();
        facts.macvlans = Some(false);
        set(&mut facts, "all", ARP_FILTER, 1);
        configure(&mut facts, |text| text + INSTANCE);
        assert_eq!(virtual_macs(&facts), [], "nobody wants one");
        configure(&mut facts, |text| text + INSTANCE + "virtual_mac = true\n");
        eth0_mut(&mut facts).master = Some(9);
        assert_eq!(
            lines(&virtual_macs(&facts)),
            [
                "error eth0: it is a part of a bridge or bond, and VRRP instance shared has `virtual_mac` | put the \
                 instance on another interface, or leave `virtual_mac` out",
                "error macvlan: this kernel has none, and VRRP instance shared has `virtual_mac` | modprobe macvlan",
                "warning net.ipv4.conf.all.arp_filter: it is on, and VRRP instance shared has `virtual_mac` | \
                 sysctl -w net.ipv4.conf.all.arp_filter=0",
            ]
        );
        eth0_mut(&mut facts).master = None;
        facts.macvlans = Some(true);
        set(&mut facts, "all", ARP_FILTER, 0);
        assert_eq!(virtual_macs(&facts), []);
    }
}
