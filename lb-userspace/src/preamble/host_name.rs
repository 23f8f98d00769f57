//! The name of a host as clients write it into their ClientHello, in the one form in which names are compared.

use std::{fmt, net::IpAddr, str::FromStr};

/// In small letters, without a dot at the end; never an IP address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Box<str>);

/// Why a text is no [`HostName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// Nothing, or more than DNS allows (RFC 1035, section 2.3.4).
    #[error("a host name has 1 to 253 characters, this one has {0}")]
    Length(usize),
    /// Two dots in a row, or a label over 63 characters.
    #[error("a label of a host name has 1 to 63 characters, this one has {0}")]
    Label(usize),
    /// Neither letter, digit, hyphen nor underscore.
    #[error("a host name is made of letters, digits, `-`, `_` and dots, not of {:?}", char::from(*.0))]
    Character(u8),
    /// An address is no name (RFC 6066, section 3).
    #[error("an IP address is no host name")]
    Address,
}

impl HostName {
    /// Checks the form of a name. Underscores are let through, as resolvers and servers do.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &[u8]) -> Result<Self, HostNameError> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        if !(1..=253).contains(&text.len()) {
            return Err(HostNameError::Length(text.len()));
        }
        for label in text.split(|byte| *byte == b'.') {
            if !(1..=63).contains(&label.len()) {
                return Err(HostNameError::Label(label.len()));
            }
        }
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
        if let Some(other) = text.iter().find(|byte| !fits(byte)) {
            return Err(match Self::address(text) {
                true => HostNameError::Address,
                false => HostNameError::Character(*other),
            });
        }
        if Self::address(text) {
            return Err(HostNameError::Address);
        }
        let small: String = text.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        Ok(Self(small.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left without the first label; none where there is one label only.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, parent)| parent)
    }

    fn address(text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (text, form) in [
            ("www.example.org", "www.example.org"),
            ("WWW.Example.ORG.", "www.example.org"),
            ("db_1.local", "db_1.local"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().to_string(), form);
        }
        let name: HostName = "a.b.c".parse().unwrap();
        assert_eq!((name.parent(), "a".parse::<HostName>().unwrap().parent()), (Some("b.c"), None));
    }

    #[test]
    fn what_is_no_name() {
        use HostNameError::{Address, Character, Label, Length};
        let long = "a".repeat(64);
        for (text, error) in [
            ("", Length(0)),
            (".", Length(0)),
            ("a..b", Label(0)),
            (".a", Label(0)),
            (&long, Label(64)),
            ("a b", Character(b' ')),
            ("a\0.org", Character(0)),
            ("bücher.example", Character(0xc3)),
            ("10.9.8.7", Address),
            ("fe80::1", Address),
        ] {
            assert_eq!(text.parse::<HostName>(), Err(error), "{text}");
        }
        // One dot at the end is no part of it.
        assert!("a.".repeat(127).parse::<HostName>().is_ok());
        assert_eq!("ab.".repeat(85).parse::<HostName>(), Err(Length(254)));
    }
}
