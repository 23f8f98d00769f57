//! What a real server must look like, against what it looks like.

use std::fmt;
use std::net::IpAddr;

use super::nft;
use crate::agent::netlink::Interface;
use crate::agent::sysctl::{Error, Setting};

/// The host as it is.
pub(super) struct Facts<Read> {
    /// All interfaces with their addresses.
    pub interfaces: Vec<Interface>,
    /// Gives the value of a setting.
    pub read: Read,
}

/// One thing that must hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How it must be.
    pub wanted: String,
    /// How it is.
    pub found: String,
    /// What makes it so; `None` when it is.
    pub mend: Option<Mend>,
}

/// What makes a step hold. Shown as a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mend {
    /// Add the VIP to `lo`.
    AddToLoopback { vip: IpAddr, index: u32 },
    /// Change a setting.
    Set { setting: Setting, value: u32 },
    /// Limit the segments that clients send to the VIP, or take such a limit away.
    Clamp { vip: IpAddr, mss: Option<u16> },
    /// Something `setup` leaves to people, since it may be there for a reason.
    ByHand(String),
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddToLoopback { vip, .. } if vip.is_ipv6() => {
                write!(f, "ip address add {vip}/128 dev lo nodad preferred_lft 0")
            }
            Self::AddToLoopback { vip, .. } => write!(f, "ip address add {vip}/32 dev lo"),
            Self::Set { setting, value } => write!(f, "sysctl -w {setting}={value}"),
            Self::Clamp { vip, mss } => write!(f, "nft '{}'", nft::command(*vip, *mss)),
            Self::ByHand(command) => f.write_str(command),
        }
    }
}

/// The prefix length that covers one address.
pub(super) fn single(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// All that must hold, in the order to bring it about: ARP is told first, so that the VIP is
/// never claimed.
pub(super) fn steps(
    vips: &[IpAddr],
    interface: Option<&str>,
    facts: &Facts<impl Fn(&Setting) -> Result<u32, Error>>,
) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    if vips.iter().any(IpAddr::is_ipv4) {
        // arp_ignore: 2 is stricter and does as well; 3 and more answer for addresses of lo, or
        // for none at all. arp_announce has no other good value.
        steps.extend(arp("arp_ignore", &[1, 2], interface, facts)?);
        steps.extend(arp("arp_announce", &[2], interface, facts)?);
    }
    if vips.iter().any(IpAddr::is_ipv6) {
        let setting = Setting::ipv6("lo", "disable_ipv6");
        steps.push(step(&facts.read, setting, &[0])?);
    }
    for &vip in vips {
        steps.extend(address(vip, &facts.interfaces));
    }
    Ok(steps)
}

/// `all` must have a good value, and no interface one that overrules it.
fn arp(
    key: &'static str,
    good: &[u32],
    interface: Option<&str>,
    facts: &Facts<impl Fn(&Setting) -> Result<u32, Error>>,
) -> Result<Vec<Step>, Error> {
    let setting = |interface: &str| Setting::ipv4(interface, key);
    let mut steps = vec![step(&facts.read, setting("all"), good)?];
    let largest = good.iter().max().copied().unwrap_or_default();
    let looked_at = facts
        .interfaces
        .iter()
        .map(|found| found.name.as_str())
        .filter(|name| *name != "lo" && interface.is_none_or(|wanted| wanted == *name));
    for name in looked_at {
        let overruling = (facts.read)(&setting(name))? > largest;
        if overruling {
            steps.push(step(&facts.read, setting(name), good)?);
        }
    }
    Ok(steps)
}

fn step(
    read: impl Fn(&Setting) -> Result<u32, Error>,
    setting: Setting,
    good: &[u32],
) -> Result<Step, Error> {
    let found = read(&setting)?;
    let value =
        if good.contains(&found) { found } else { good.first().copied().unwrap_or_default() };
    let wanted = format!("{setting} = {value}");
    let mend = (found != value).then_some(Mend::Set { setting, value });
    Ok(Step { wanted, found: found.to_string(), mend })
}

/// The VIP is on `lo` by itself, and nowhere else.
fn address(vip: IpAddr, interfaces: &[Interface]) -> Vec<Step> {
    let single = single(vip);
    let mut steps = Vec::new();
    for interface in interfaces {
        for held in interface.addresses.iter().filter(|network| network.addr() == vip) {
            let reason = match (interface.name.as_str(), held.prefix_len()) {
                ("lo", length) if length == single => continue,
                ("lo", _) => format!("{held} makes this host take the whole subnet for its own"),
                (name, _) => format!("on {name}, which tells the network that it is here"),
            };
            let command = format!("ip address del {held} dev {}", interface.name);
            let wanted = format!("{vip} on lo only, as /{single}");
            steps.push(Step { wanted, found: reason, mend: Some(Mend::ByHand(command)) });
        }
    }
    let loopback = interfaces.iter().find(|interface| interface.name == "lo");
    let there = loopback.is_some_and(|lo| {
        lo.addresses.iter().any(|held| held.addr() == vip && held.prefix_len() == single)
    });
    let index = loopback.map_or(1, |lo| lo.index);
    steps.push(Step {
        wanted: format!("{vip}/{single} on lo"),
        found: if there { "there" } else { "not there" }.to_owned(),
        mend: (!there).then_some(Mend::AddToLoopback { vip, index }),
    });
    if loopback.is_some_and(|lo| !lo.up) {
        steps.push(Step {
            wanted: "lo is up".to_owned(),
            found: "down".to_owned(),
            mend: Some(Mend::ByHand("ip link set dev lo up".to_owned())),
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, index: u32, addresses: &[&str]) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            mac: [0; 6],
            mtu: 1500,
            up: true,
            running: true,
            ethernet: name != "lo",
            addresses: addresses.iter().map(|held| held.parse().expect("a network")).collect(),
            ..Interface::default()
        }
    }

    fn commands(
        vips: &[&str],
        lo: &[&str],
        eth0: &[&str],
        own: u32,
        all: (u32, u32),
    ) -> Vec<String> {
        let facts = Facts {
            interfaces: vec![interface("lo", 1, lo), interface("eth0", 2, eth0)],
            read: |setting: &Setting| match (setting.interface.as_str(), &*setting.key) {
                ("all", "arp_ignore") => Ok(all.0),
                ("all", "arp_announce") => Ok(all.1),
                ("eth0", "arp_ignore") => Ok(own),
                _ => Ok(0),
            },
        };
        let vips: Vec<IpAddr> = vips.iter().map(|vip| vip.parse().expect("an address")).collect();
        let steps = steps(&vips, None, &facts).expect("all can be read");
        steps.iter().filter_map(|step| step.mend.as_ref().map(ToString::to_string)).collect()
    }

    #[test]
    fn a_fresh_host_needs_all_of_it() {
        let expected = [
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "ip address add 10.8.8.40/32 dev lo",
            "ip address add 2001:db8::40/128 dev lo nodad preferred_lft 0",
        ];
        assert_eq!(commands(&["10.8.8.40", "2001:db8::40"], &[], &[], 0, (0, 0)), expected);
    }

    #[test]
    fn a_ready_host_needs_nothing() {
        let ready = commands(&["10.8.8.40"], &["10.8.8.40/32"], &["10.8.8.43/24"], 0, (2, 2));
        assert!(ready.is_empty(), "{ready:?}");
    }

    #[test]
    fn an_interface_that_overrules_all_is_set_right() {
        let overruled = commands(&["10.8.8.40"], &["10.8.8.40/32"], &[], 8, (1, 2));
        assert_eq!(overruled, ["sysctl -w net.ipv4.conf.eth0.arp_ignore=1"]);
    }

    #[test]
    fn a_vip_in_the_wrong_place_is_left_to_people() {
        let wrong = commands(&["10.8.8.40"], &["10.8.8.40/24"], &["10.8.8.40/24"], 0, (1, 2));
        let expected = [
            "ip address del 10.8.8.40/24 dev lo",
            "ip address del 10.8.8.40/24 dev eth0",
            "ip address add 10.8.8.40/32 dev lo",
        ];
        assert_eq!(wrong, expected);
    }
}
