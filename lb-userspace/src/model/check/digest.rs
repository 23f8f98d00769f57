//! The digest of a body.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest (FIPS 180-4), written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BodyDigest([u8; 32]);

/// Not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest: write 64 hexadecimal digits, as `sha256sum` shows them")]
pub struct BodyDigestError(String);

impl BodyDigest {
    /// What a hasher has found.
    #[must_use]
    pub fn of(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl FromStr for BodyDigest {
    type Err = BodyDigestError;

    fn from_str(text: &str) -> Result<Self, BodyDigestError> {
        let wrong = || BodyDigestError(text.to_owned());
        let payload: super::Payload = text.parse().map_err(|_| wrong())?;
        payload.bytes().try_into().map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for BodyDigest {
    type Error = BodyDigestError;

    fn try_from(text: String) -> Result<Self, BodyDigestError> {
        text.parse()
    }
}

impl From<BodyDigest> for String {
    fn from(digest: BodyDigest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(BodyDigest::of(Sha256::new()).to_string(), empty);
        assert_eq!(empty.parse(), Ok(BodyDigest::of(Sha256::new())));
        for wrong in ["", "e3", "d41d8cd98f00b204e9800998ecf8427e", &"x".repeat(64)] {
            let error = wrong.parse::<BodyDigest>().unwrap_err().to_string();
            assert!(error.contains("64 hexadecimal digits"), "{error}");
        }
    }
}
