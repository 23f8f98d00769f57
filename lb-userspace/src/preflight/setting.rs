//! The name of a network setting of one interface.

use std::{borrow::Cow, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// One setting of one interface, or of `all`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// `ipv4` or `ipv6`.
    pub family: Cow<'static, str>,
    /// `all`, or an interface.
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

    /// Where the kernel shows it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        ["/proc/sys/net", &*self.family, "conf", &self.interface, &self.key].iter().collect()
    }
}

/// As sysctl(8) takes it: there, a dot inside an interface's name is written as a slash.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
}
