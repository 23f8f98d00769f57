//! An echo request, and the reply to it (RFC 792, RFC 4443 section 4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Type      |     Code      |          Checksum             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Identifier          |        Sequence Number        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Data ...
//! ```
//!
//! A raw socket sees the replies to every ping of this host. Its own is known by the random bytes that are in it.

use std::net::IpAddr;

/// Random bytes of an echo request.
pub const NONCE: usize = 16;
const HEAD: usize = 8;
/// Bytes without options of an IPv4 header.
const IPV4_HEAD: usize = 20;

/// One ping.
#[derive(Clone, Copy, Debug)]
pub struct Echo {
    server: IpAddr,
    nonce: [u8; NONCE],
}

impl Echo {
    /// A ping of this real server. Nobody should be able to guess the `nonce`.
    #[must_use]
    pub const fn new(server: IpAddr, nonce: [u8; NONCE]) -> Self {
        Self { server, nonce }
    }

    const fn request(&self) -> u8 {
        if self.server.is_ipv4() { 8 } else { 128 }
    }

    const fn reply(&self) -> u8 {
        if self.server.is_ipv4() { 0 } else { 129 }
    }

    /// What is sent. Over IPv6 the kernel writes the checksum; over a datagram socket identifier and checksum.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let [first, second, ..] = self.nonce;
        let head = [self.request(), 0, 0, 0, first, second, 0, 1];
        let mut message = [&head[..], &self.nonce].concat();
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        message
    }

    /// Is this the reply? A raw socket for IPv4 gives packets with their IP header, the others do not.
    #[must_use]
    pub fn is_answered_by(&self, packet: &[u8]) -> bool {
        let without = match packet.first() {
            Some(byte) if self.server.is_ipv4() && byte >> 4 == 4 => {
                let length = usize::from(byte & 0xf) * 4;
                packet.get(length.max(IPV4_HEAD)..).unwrap_or_default()
            }
            _ => packet,
        };
        let Some((head, data)) = without.split_at_checked(HEAD) else { return false };
        head[..2] == [self.reply(), 0] && data == self.nonce
    }
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.as_chunks::<2>().0.iter().map(|word| u32::from(u16::from_be_bytes(*word)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    // Folded to 16 bits above.
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE_: [u8; NONCE] = *b"LBping0123456789";

    fn echo(server: &str) -> Echo {
        Echo::new(server.parse().unwrap(), NONCE_)
    }

    #[test]
    fn a_request() {
        let message = echo("192.0.2.1").message();
        assert_eq!(message[..2], [8, 0]);
        assert_eq!(message[4..], *b"LB\0\x01LBping0123456789");
        assert_eq!(checksum(&message), 0);
        assert_eq!(echo("::1").message()[0], 128);
    }

    #[test]
    fn replies() {
        for (server, kind, other) in [("192.0.2.1", 0, 129), ("2001:db8::1", 129, 0)] {
            let echo = echo(server);
            let reply = |kind: u8, data: &[u8]| [&[kind, 0, 1, 2, 3, 4, 0, 1], data].concat();
            assert!(echo.is_answered_by(&reply(kind, &NONCE_)));
            assert!(!echo.is_answered_by(&reply(other, &NONCE_)), "of the other family");
            assert!(!echo.is_answered_by(&echo.message()), "the question itself");
            assert!(!echo.is_answered_by(&reply(kind, b"LBping0123456780")), "another ping's");
            assert!(!echo.is_answered_by(&reply(kind, b"")));
        }
        let packet = |length: u8, more: usize| {
            let header = [&[0x40 | length][..], &[0; 19], &vec![0; more]].concat();
            [&header[..], &[0, 0, 1, 2, 3, 4, 0, 1], &NONCE_].concat()
        };
        assert!(echo("192.0.2.1").is_answered_by(&packet(5, 0)));
        assert!(echo("192.0.2.1").is_answered_by(&packet(7, 8)), "with options");
        assert!(!echo("192.0.2.1").is_answered_by(&packet(15, 0)));
    }

    proptest! {
        #[test]
        fn any_packet(packet in prop::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(!echo("192.0.2.1").is_answered_by(&packet));
            prop_assert!(!echo("::1").is_answered_by(&packet));
        }
    }
}
