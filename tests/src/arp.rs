//! Who says that an IPv4 address is theirs.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::{Namespace, PacketSocket};

const ETHER_TYPE: u16 = 0x0806;
/// How long answers are awaited.
const PATIENCE: Duration = Duration::from_millis(200);
/// Of nobody: only what hears every frame hears the answers.
const SENDER: [u8; 6] = [2, 0, 0, 0, 0xa, 1];
const BROADCAST: [u8; 6] = [0xff; 6];
/// Ethernet, IPv4, lengths of their addresses (RFC 826).
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// The hosts that answer a request for `address`, by their MAC addresses. Nobody's table of neighbours changes.
pub fn answers(namespace: &Namespace, address: Ipv4Addr) -> Result<BTreeSet<[u8; 6]>> {
    let socket = PacketSocket::open(namespace, ETHER_TYPE)?;
    socket.send(&request(address))?;
    let deadline = Instant::now() + PATIENCE;
    let mut hosts = BTreeSet::new();
    while let Some(frame) = socket.next(deadline)? {
        hosts.extend(answer(&frame.bytes, address));
    }
    Ok(hosts)
}

/// Without an address of the sender (RFC 5227, section 2.1.1), from which hosts would learn a wrong MAC address.
fn request(address: Ipv4Addr) -> Vec<u8> {
    [
        &BROADCAST[..],
        &SENDER,
        &ETHER_TYPE.to_be_bytes(),
        &KIND,
        &REQUEST.to_be_bytes(),
        &SENDER,
        &Ipv4Addr::UNSPECIFIED.octets(),
        &[0; 6],
        &address.octets(),
    ]
    .concat()
}

/// Who has sent this reply to us, if it is one, and about `address`.
fn answer(frame: &[u8], address: Ipv4Addr) -> Option<[u8; 6]> {
    let ours = frame.get(..6)? == SENDER && frame.get(12..14)? == ETHER_TYPE.to_be_bytes();
    let reply = frame.get(20..22)? == REPLY.to_be_bytes();
    let about = frame.get(28..32)? == address.octets();
    if ours && reply && about { frame.get(22..28)?.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_from_a_request_and_from_one_about_another_address() {
        let [other, address] = [Ipv4Addr::new(10, 8, 8, 10), Ipv4Addr::new(10, 8, 8, 40)];
        let mac = [2, 0, 0, 0, 0, 7];
        let mut frame = request(address);
        assert_eq!(frame.len(), 42);
        assert_eq!(answer(&frame, Ipv4Addr::UNSPECIFIED), None);
        frame[..6].copy_from_slice(&SENDER);
        frame[20..22].copy_from_slice(&REPLY.to_be_bytes());
        frame[22..28].copy_from_slice(&mac);
        frame[28..32].copy_from_slice(&address.octets());
        assert_eq!(answer(&frame, address), Some(mac));
        assert_eq!(answer(&frame, other), None);
        assert_eq!(answer(&frame[..31], address), None);
    }
}
