//! Network settings of the kernel, through `/proc/sys`.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One setting of one interface, or of `all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// `all`, or an interface.
    pub interface: String,
    /// `arp_ignore`, ...
    pub key: &'static str,
}

/// What can go wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read {0}: {1}")]
    Read(Setting, #[source] io::Error),
    #[error("cannot read {0}: \"{1}\" is not a number")]
    NotANumber(Setting, String),
    #[error("cannot set {0}: not permitted; run as root (in a container, set it on the host)")]
    NotPermitted(Setting),
    #[error("cannot set {0}: {1}")]
    Write(Setting, #[source] io::Error),
}

impl Setting {
    fn path(&self) -> PathBuf {
        ["/proc/sys/net", self.family, "conf", &self.interface, self.key].iter().collect()
    }
}

/// As sysctl(8) takes it: there, a dot inside an interface's name is written as a slash.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interface = self.interface.replace('.', "/");
        write!(f, "net.{}.conf.{interface}.{}", self.family, self.key)
    }
}

/// The value now.
pub(super) fn read(setting: &Setting) -> Result<u32, Error> {
    let text = std::fs::read_to_string(setting.path())
        .map_err(|error| Error::Read(setting.clone(), error))?;
    let text = text.trim();
    text.parse().map_err(|_| Error::NotANumber(setting.clone(), text.to_owned()))
}

/// Sets the value until the next boot.
pub(super) fn write(setting: &Setting, value: u32) -> Result<(), Error> {
    std::fs::write(setting.path(), format!("{value}\n")).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::NotPermitted(setting.clone())
        }
        _ => Error::Write(setting.clone(), error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_an_interface_is_told_from_the_dots_between() {
        let interface = "eth0.100".to_owned();
        let setting = Setting { family: "ipv4", interface, key: "arp_ignore" };
        assert_eq!(setting.to_string(), "net.ipv4.conf.eth0/100.arp_ignore");
        let path = PathBuf::from("/proc/sys/net/ipv4/conf/eth0.100/arp_ignore");
        assert_eq!(setting.path(), path);
    }
}
