//! What a check sends in the clear, and what it waits for: by datagrams, and to agents.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Pattern;

/// A check by a datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpCheck {
    /// What the datagram holds.
    pub send: Payload,
    /// The answer that must come; `None`: none need come.
    pub expect: Option<Expectation>,
}

/// A check by the word of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCheck {
    /// What it is told first.
    pub send: Payload,
}

/// What an answer must be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// It begins with these bytes.
    Prefix(Payload),
    /// This fits somewhere in it.
    Regex(Pattern),
}

impl Expectation {
    /// Is this answer like that?
    #[must_use]
    pub fn is_met(&self, answer: &[u8]) -> bool {
        match self {
            Self::Prefix(Payload(bytes)) => answer.starts_with(bytes),
            Self::Regex(pattern) => pattern.fits(answer),
        }
    }
}

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Payload(Vec<u8>);

/// No bytes, or too many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not digits.
    #[error("`{0}` is not a row of bytes: write two hexadecimal digits for each, as in \"00 ff\"")]
    Hex(String),
    /// More than a datagram holds that goes through every network.
    #[error("{0} bytes are too many: up to {most} fit", most = Payload::LONGEST)]
    Long(usize),
}

impl Payload {
    /// Bytes that fit into a datagram in every network (RFC 8200 section 5, less the headers).
    pub const LONGEST: usize = 1_232;

    /// Checks the length.
    ///
    /// # Errors
    /// [`PayloadError::Long`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PayloadError> {
        let bytes = bytes.into();
        if bytes.len() > Self::LONGEST {
            Err(PayloadError::Long(bytes.len()))
        } else {
            Ok(Self(bytes))
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Payload {
    type Err = PayloadError;

    /// Spaces between bytes are for people.
    fn from_str(text: &str) -> Result<Self, PayloadError> {
        let wrong = || PayloadError::Hex(text.to_owned());
        let digits: Option<Vec<u32>> =
            text.chars().filter(|&c| c != ' ').map(|c| c.to_digit(16)).collect();
        let (pairs, []) = digits.as_deref().ok_or_else(wrong)?.as_chunks() else {
            return Err(wrong());
        };
        // Two digits are less than 256.
        let byte = |&[high, low]: &[u32; 2]| u8::try_from(high << 4 | low).unwrap_or_default();
        Self::new(pairs.iter().map(byte).collect::<Vec<_>>())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Payload {
    type Error = PayloadError;

    fn try_from(text: String) -> Result<Self, PayloadError> {
        text.parse()
    }
}

impl From<Payload> for String {
    fn from(payload: Payload) -> Self {
        payload.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        let payload: Payload = "00 fF1a".parse().unwrap();
        assert_eq!((payload.bytes(), payload.to_string().as_str()), (&[0, 255, 26][..], "00ff1a"));
        assert_eq!("".parse::<Payload>(), Ok(Payload::default()));
        for wrong in ["0", "0g", "0x00", "00:ff"] {
            assert!(matches!(wrong.parse::<Payload>(), Err(PayloadError::Hex(_))), "{wrong}");
        }
        assert_eq!(Payload::new([0; 1_233]), Err(PayloadError::Long(1_233)));
    }

    #[test]
    fn expectations() {
        let prefix = Expectation::Prefix(Payload::new(*b"PO").unwrap());
        assert!(prefix.is_met(b"PONG") && !prefix.is_met(b"P") && !prefix.is_met(b"xPONG"));
        let pattern = Expectation::Regex("N.$".parse().unwrap());
        assert!(pattern.is_met(b"PONG") && !pattern.is_met(b"PONGS"));
    }
}
