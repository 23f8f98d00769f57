//! What an instance speaks: the version, and what only that version has.
//!
//! A [`Dialect`] with a password that may still be in a file.

use std::path::{Path, PathBuf};

use crate::vrrp::types::{
    AdvertInterval, Authentication, Centiseconds, ChecksumKind, Dialect, Key, Seconds, Secret,
};

/// The version with its own settings; the same on every director of the virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrrpProtocol {
    /// RFC 3768: IPv4 only.
    V2 {
        /// Of the advertisements.
        interval: Seconds,
        /// In every advertisement.
        authentication: VrrpAuthentication,
    },
    /// RFC 9568.
    V3 {
        /// Of the own advertisements as master.
        interval: Centiseconds,
        /// Over IPv4.
        checksum: ChecksumKind,
    },
}

/// How advertisements of version 2 are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VrrpAuthentication {
    /// Not at all.
    #[default]
    None,
    /// By the password itself, in the clear.
    Pass(Password),
    /// By an IP authentication header (RFC 2402) that the password is the key of.
    Ah(Password),
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// In the configuration.
    Here(Secret),
    /// In a file, of which the first line counts.
    File(PathBuf),
}

impl VrrpAuthentication {
    /// Where its password is.
    #[must_use]
    pub const fn password(&self) -> Option<&Password> {
        match self {
            Self::None => None,
            Self::Pass(password) | Self::Ah(password) => Some(password),
        }
    }
}

impl Password {
    fn secret<E>(&self, read: impl FnOnce(&Path) -> Result<Secret, E>) -> Result<Secret, E> {
        match self {
            Self::Here(secret) => Ok(*secret),
            Self::File(path) => read(path),
        }
    }
}

impl VrrpProtocol {
    /// The interval of the own advertisements.
    pub const fn interval(&self) -> AdvertInterval {
        match self {
            Self::V2 { interval, .. } => AdvertInterval::V2(*interval),
            Self::V3 { interval, .. } => AdvertInterval::V3(*interval),
        }
    }

    /// What goes over the wire. `read` gets a password from its file, and is asked only if there is one; its
    /// error is handed on.
    pub fn dialect<E>(&self, read: impl FnOnce(&Path) -> Result<Secret, E>) -> Result<Dialect, E> {
        Ok(match self {
            Self::V2 { interval, authentication } => Dialect::V2 {
                interval: *interval,
                authentication: match authentication {
                    VrrpAuthentication::None => Authentication::None,
                    VrrpAuthentication::Pass(password) => {
                        Authentication::Pass(password.secret(read)?)
                    }
                    VrrpAuthentication::Ah(password) => {
                        Authentication::Ah(Key::new(password.secret(read)?))
                    }
                },
            },
            Self::V3 { interval, checksum } => {
                Dialect::V3 { interval: *interval, checksum: *checksum }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn v2(authentication: VrrpAuthentication) -> VrrpProtocol {
        let interval = Seconds::try_from(Duration::from_secs(1)).unwrap();
        VrrpProtocol::V2 { interval, authentication }
    }

    #[test]
    fn a_password_is_read_only_from_a_file() {
        let secret = Secret::cut("s3cret");
        let here = v2(VrrpAuthentication::Pass(Password::Here(secret)));
        let dialect = here.dialect(|_| Err("was asked")).unwrap();
        let Dialect::V2 { authentication, .. } = dialect else { panic!("{dialect:?}") };
        assert_eq!(authentication, Authentication::Pass(secret));

        let file = v2(VrrpAuthentication::Ah(Password::File("/etc/lb/pass".into())));
        let read = |path: &Path| {
            assert_eq!(path, Path::new("/etc/lb/pass"));
            Ok::<_, ()>(secret)
        };
        let dialect = file.dialect(read).unwrap();
        let Dialect::V2 { authentication, .. } = dialect else { panic!("{dialect:?}") };
        assert_eq!(authentication, Authentication::Ah(Key::new(secret)));
        assert_eq!(file.dialect(|_| Err("gone")), Err("gone"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown =
            format!("{:?}", v2(VrrpAuthentication::Pass(Password::Here(Secret::cut("s3cret")))));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
