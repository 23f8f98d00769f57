//! Which settings the configuration asks for (`sysctls` under `[node]`).

use std::collections::{BTreeMap, BTreeSet};

use super::Setting;
use crate::model::Sysctls;

/// Each of them with the least that it is to be. `interfaces`: those that VIPs are on. `ipv6`: the kernel has it.
pub(in crate::agent) fn on_request(
    groups: &BTreeSet<Sysctls>,
    interfaces: &[&str],
    ipv6: bool,
) -> BTreeMap<Setting, u32> {
    let mut settings = BTreeMap::new();
    for group in groups {
        match group {
            Sysctls::Arp => settings.extend(interfaces.iter().flat_map(|name| {
                [("arp_ignore", 1), ("arp_announce", 2)]
                    .map(|(key, value)| (Setting::ipv4(name, key), value))
            })),
            Sysctls::Forwarding => {
                settings.insert(Setting::of_family("ipv4", "ip_forward"), 1);
                settings.extend(ipv6.then(|| (Setting::ipv6("all", "forwarding"), 1)));
            }
            Sysctls::NonlocalBind => {
                settings.insert(Setting::of_family("ipv4", "ip_nonlocal_bind"), 1);
                let ipv6 = ipv6.then(|| (Setting::of_family("ipv6", "ip_nonlocal_bind"), 1));
                settings.extend(ipv6);
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(groups: &[Sysctls], ipv6: bool) -> Vec<String> {
        let groups = groups.iter().copied().collect();
        let settings = on_request(&groups, &["eth0", "eth1.7"], ipv6);
        settings.iter().map(|(setting, value)| format!("{setting}={value}")).collect()
    }

    #[test]
    fn what_belongs_to_each() {
        assert_eq!(shown(&[], true), [] as [&str; 0]);
        let arp = [
            "net.ipv4.conf.eth0.arp_announce=2",
            "net.ipv4.conf.eth0.arp_ignore=1",
            "net.ipv4.conf.eth1/7.arp_announce=2",
            "net.ipv4.conf.eth1/7.arp_ignore=1",
        ];
        assert_eq!(shown(&[Sysctls::Arp], true), arp);
        let router = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
        assert_eq!(shown(&[Sysctls::Forwarding], true), router);
        assert_eq!(shown(&[Sysctls::Forwarding], false), router[..1]);
        let bind = ["net.ipv4.ip_nonlocal_bind=1", "net.ipv6.ip_nonlocal_bind=1"];
        assert_eq!(shown(&[Sysctls::NonlocalBind], true), bind);
        assert_eq!(shown(&[Sysctls::Arp, Sysctls::NonlocalBind], false).len(), 5);
    }
}
