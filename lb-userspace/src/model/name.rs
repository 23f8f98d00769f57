//! Names: of the user's own things, and of network interfaces.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of a node, pool, service or real server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Name(String);

/// A name as this program has written it down.
#[derive(Deserialize)]
struct Written(String);

impl TryFrom<Written> for Name {
    type Error = NameError;

    fn try_from(Written(text): Written) -> Result<Self, NameError> {
        if text == PROXY { Ok(Self::of_proxy()) } else { Self::new(&text) }
    }
}

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than fits.
    #[error("a name has 1 to {} characters, this one has {length}", Name::MAX_LENGTH)]
    Length {
        /// Characters found.
        length: usize,
    },
    /// Something else than a letter or digit in front.
    #[error("a name starts with a letter or a digit, not with {0:?}")]
    Start(char),
    /// A character that names do not have.
    #[error("a name is made of A-Z, a-z, 0-9, `_`, `.` and `-`; {0:?} is not allowed")]
    Character(char),
}

/// The name of the proxy's pool in the maps.
const PROXY: &str = "(proxy)";

impl Name {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 63;

    /// Checks the form of a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        let Some(first) = text.chars().next().filter(|_| length <= Self::MAX_LENGTH) else {
            return Err(NameError::Length { length });
        };
        if !first.is_ascii_alphanumeric() {
            return Err(NameError::Start(first));
        }
        match text.chars().find(|&c| !(c.is_ascii_alphanumeric() || "_.-".contains(c))) {
            Some(other) => Err(NameError::Character(other)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// What the maps know the proxy by: the pool whose only real server is this host. No file can have such a name.
    #[must_use]
    pub fn of_proxy() -> Self {
        Self(PROXY.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a network interface, as the kernel allows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

/// Why a text is not an [`InterfaceName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterfaceNameError {
    /// Nothing, or more than the kernel keeps.
    #[error(
        "an interface name has 1 to {} bytes, this one has {length}",
        InterfaceName::MAX_LENGTH
    )]
    Length {
        /// Bytes found.
        length: usize,
    },
    /// A character that the kernel refuses.
    #[error(
        "an interface name has no `/`, `:`, white space or control characters; {0:?} is not allowed"
    )]
    Character(char),
    /// `.` and `..` are folders.
    #[error("`.` and `..` are not interface names")]
    Dots,
}

impl InterfaceName {
    /// The longest interface name, in bytes (IFNAMSIZ less the final zero).
    pub const MAX_LENGTH: usize = 15;

    /// Checks the form of an interface name.
    pub fn new(text: &str) -> Result<Self, InterfaceNameError> {
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(InterfaceNameError::Length { length: text.len() });
        }
        if text == "." || text == ".." {
            return Err(InterfaceNameError::Dots);
        }
        let refused = |c: &char| *c == '/' || *c == ':' || c.is_whitespace() || c.is_control();
        match text.chars().find(refused) {
            Some(other) => Err(InterfaceNameError::Character(other)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What every text with rules of its own offers: `Display`, `FromStr`, and conversions for serde.
macro_rules! checked_text {
    ($type:ident, $error:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

checked_text!(Name, NameError);
checked_text!(InterfaceName, InterfaceNameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "0", "lvs-hap01", "web.example_org", &"x".repeat(63)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for (bad, error) in [
            ("", NameError::Length { length: 0 }),
            ("-web", NameError::Start('-')),
            ("we b", NameError::Character(' ')),
            ("pool/web", NameError::Character('/')),
            ("käse", NameError::Character('ä')),
        ] {
            assert_eq!(Name::new(bad), Err(error), "{bad:?}");
        }
        assert_eq!(
            Name::new(&"x".repeat(64)).unwrap_err().to_string(),
            "a name has 1 to 63 characters, this one has 64"
        );
    }

    #[test]
    fn interface_names() {
        for good in ["eth0", "eth0.100", "br-lan", "123456789012345"] {
            assert_eq!(InterfaceName::new(good).unwrap().to_string(), good);
        }
        for (bad, error) in [
            ("", InterfaceNameError::Length { length: 0 }),
            ("1234567890123456", InterfaceNameError::Length { length: 16 }),
            ("eth 0", InterfaceNameError::Character(' ')),
            ("eth/0", InterfaceNameError::Character('/')),
            ("eth0:1", InterfaceNameError::Character(':')),
            ("eth\0", InterfaceNameError::Character('\0')),
            ("..", InterfaceNameError::Dots),
        ] {
            assert_eq!(InterfaceName::new(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn json_is_a_string_and_is_checked() {
        assert_eq!(serde_json::to_string(&Name::new("web").unwrap()).unwrap(), "\"web\"");
        assert!(serde_json::from_str::<Name>("\"web\"").is_ok());
        assert!(serde_json::from_str::<Name>("\"/web\"").is_err());
        let proxy = serde_json::to_string(&Name::of_proxy()).unwrap();
        assert_eq!(serde_json::from_str::<Name>(&proxy).unwrap(), Name::of_proxy());
        assert!(Name::new(PROXY).is_err(), "nobody else has it");
    }
}
