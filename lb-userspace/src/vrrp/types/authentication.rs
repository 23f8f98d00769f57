//! Authentication of version 2. It never protected anybody (RFC 9568 §1.3); it is here to talk with routers that
//! insist on it.

use std::fmt;

/// How advertisements of version 2 are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0.
    None,
    /// Type 1: the password stands in the clear in every advertisement.
    Pass(Secret),
    /// Type 2: an IP authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403).
    Ah(Key),
}

/// Eight bytes, the rest of a shorter password filled with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; Self::LENGTH]);

/// The key of an authentication header: as [`Secret`], but it does not travel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(Secret);

/// The text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing would be authenticated.
    #[error("the password is empty: write 1 to 8 characters, or leave authentication out")]
    Empty,
    /// keepalived cuts such a password: so does [`Secret::cut`].
    #[error("the password has {0} bytes: VRRPv2 has room for 8, write those only")]
    Long(usize),
}

impl Secret {
    /// Room on the wire.
    pub const LENGTH: usize = 8;

    /// A password of 1 to 8 bytes.
    pub fn new(password: &str) -> Result<Self, SecretError> {
        match password.len() {
            0 => Err(SecretError::Empty),
            1..=Self::LENGTH => Ok(Self::cut(password)),
            length => Err(SecretError::Long(length)),
        }
    }

    /// The first eight bytes of a password: what keepalived makes of a long one.
    #[must_use]
    pub fn cut(password: &str) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes.iter_mut().zip(password.bytes()).for_each(|(byte, from)| *byte = from);
        Self(bytes)
    }

    /// As they stand on the wire.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl Key {
    /// Made from a password, as keepalived does it.
    #[must_use]
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// What the code is keyed with.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Secret::LENGTH] {
        self.0.bytes()
    }
}

/// Never shown: it would end in a log.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Never shown: it would end in a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_or_refused() {
        assert_eq!(Secret::new("s3cret").map(|secret| *secret.bytes()), Ok(*b"s3cret\0\0"));
        assert_eq!(Secret::new("12345678").map(|secret| *secret.bytes()), Ok(*b"12345678"));
        assert_eq!(Secret::new(""), Err(SecretError::Empty));
        assert_eq!(Secret::new("123456789"), Err(SecretError::Long(9)));
        assert_eq!(Secret::cut("123456789").bytes(), b"12345678");
    }

    #[test]
    fn never_shown() {
        let secret = Secret::cut("s3cret");
        let shown = format!(
            "{:?} {:?}",
            Authentication::Pass(secret),
            Authentication::Ah(Key::new(secret))
        );
        assert_eq!(shown, "Pass(Secret(…)) Ah(Key(…))");
    }
}
