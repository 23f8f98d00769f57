//! Proof that a message comes from a director with our seed, and was written for this meeting.
//!
//! HMAC-SHA256 over both sides' nonces, the way it goes, and the message: nothing can be replayed, turned round or
//! changed. Nothing is hidden: names and weights are no secrets.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Bytes of a nonce.
pub const NONCE: usize = 32;
/// Bytes of a proof.
pub const TAG: usize = 32;
/// What the key is for, and the version of what it seals.
const LABEL: &[u8] = b"lb: directors of a cluster, 1";

/// The key, made from the cluster's seed.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

/// Never printed.
impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(..)")
    }
}

/// The nonces of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Meeting {
    /// Of the director that answers.
    pub challenge: [u8; NONCE],
    /// Of the director that asks.
    pub nonce: [u8; NONCE],
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the director that answers.
    Question,
    /// Back.
    Answer,
}

impl SealKey {
    /// The key of a cluster.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut mac = keyed(seed);
        mac.update(LABEL);
        Self(mac.finalize().into_bytes().into())
    }

    /// The proof that belongs to a message.
    #[must_use]
    pub fn tag(&self, meeting: &Meeting, way: Way, message: &[u8]) -> [u8; TAG] {
        self.mac(meeting, way, message).finalize().into_bytes().into()
    }

    /// Whether a proof is the one that belongs to a message. Takes as long for any wrong one.
    #[must_use]
    pub fn proves(&self, meeting: &Meeting, way: Way, message: &[u8], tag: &[u8; TAG]) -> bool {
        self.mac(meeting, way, message).verify(tag.into()).is_ok()
    }

    fn mac(&self, meeting: &Meeting, way: Way, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = keyed(&self.0);
        mac.update(match way {
            Way::Question => b"?",
            Way::Answer => b"!",
        });
        // Of fixed length: where one ends and the next begins is clear.
        mac.update(&meeting.challenge);
        mac.update(&meeting.nonce);
        mac.update(message);
        mac
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = hmac::digest::generic_array::GenericArray::default();
    block[..key.len()].copy_from_slice(key);
    // A key of 32 bytes, padded with zeros to a block, as RFC 2104 §2 has it.
    <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEETING: Meeting = Meeting { challenge: [1; NONCE], nonce: [2; NONCE] };

    #[test]
    fn a_proof_is_of_one_message_one_way_one_meeting_and_one_seed() {
        let key = SealKey::from_seed(&[7; 32]);
        let tag = key.tag(&MEETING, Way::Question, b"hello");
        assert!(key.proves(&MEETING, Way::Question, b"hello", &tag));
        assert!(!key.proves(&MEETING, Way::Question, b"hellO", &tag));
        assert!(!key.proves(&MEETING, Way::Answer, b"hello", &tag));
        let later = Meeting { challenge: [3; NONCE], ..MEETING };
        assert!(!key.proves(&later, Way::Question, b"hello", &tag));
        let other = Meeting { nonce: [3; NONCE], ..MEETING };
        assert!(!key.proves(&other, Way::Question, b"hello", &tag));
        assert!(!SealKey::from_seed(&[8; 32]).proves(&MEETING, Way::Question, b"hello", &tag));
    }

    #[test]
    fn it_is_hmac_sha256() {
        // RFC 4231 has no vector with a key of 32 bytes; its first one has 20 and zeros behind it.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let mut mac = keyed(&key);
        mac.update(b"Hi There");
        let tag: [u8; TAG] = mac.finalize().into_bytes().into();
        assert_eq!(tag[..8], [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53]);
    }

    #[test]
    fn it_is_not_printed() {
        assert_eq!(format!("{:?}", SealKey::from_seed(&[7; 32])), "SealKey(..)");
    }
}
