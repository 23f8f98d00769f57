//! The name of a network setting: of one interface, or of a whole family.

use std::{borrow::Cow, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// `ipv4` or `ipv6`.
    pub family: Cow<'static, str>,
    /// `all`, or an interface; empty for one that belongs to the family.
    pub interface: String,
    /// `arp_ignore`, ...
    pub key: Cow<'static, str>,
}

impl Setting {
    /// A setting of IPv4.
    #[must_use]
    pub fn ipv4(interface: &str, key: &'static str) -> Self {
        Self { family: "ipv4".into(), interface: interface.to_owned(), key: key.into() }
    }

    /// A setting of IPv6.
    #[must_use]
    pub fn ipv6(interface: &str, key: &'static str) -> Self {
        Self { family: "ipv6".into(), interface: interface.to_owned(), key: key.into() }
    }

    /// A setting of a family, not of its interfaces.
    #[must_use]
    pub fn of_family(family: &'static str, key: &'static str) -> Self {
        Self { family: family.into(), interface: String::new(), key: key.into() }
    }

    /// Where the kernel shows it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        if self.interface.is_empty() {
            return ["/proc/sys/net", &*self.family, &self.key].iter().collect();
        }
        ["/proc/sys/net", &*self.family, "conf", &self.interface, &self.key].iter().collect()
    }
}

/// As sysctl(8) takes it: there, a dot inside an interface's name is written as a slash.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.interface.is_empty() {
            return write!(f, "net.{}.{}", self.family, self.key);
        }
        let interface = self.interface.replace('.', "/");
        write!(f, "net.{}.conf.{interface}.{}", self.family, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_an_interface_is_told_from_the_dots_between() {
        let setting = Setting::ipv4("eth0.100", "arp_ignore");
        assert_eq!(setting.to_string(), "net.ipv4.conf.eth0/100.arp_ignore");
        let path = PathBuf::from("/proc/sys/net/ipv4/conf/eth0.100/arp_ignore");
        assert_eq!(setting.path(), path);
    }

    #[test]
    fn a_setting_of_a_family() {
        let setting = Setting::of_family("ipv4", "ip_forward");
        assert_eq!(setting.to_string(), "net.ipv4.ip_forward");
        assert_eq!(setting.path(), PathBuf::from("/proc/sys/net/ipv4/ip_forward"));
    }
}
