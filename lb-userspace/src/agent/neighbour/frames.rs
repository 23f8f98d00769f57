//! ARP requests and neighbour solicitations as bytes, and the answers to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pnet::packet::Packet;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, ArpPacket, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNeighborAdvertPacket, MutableNeighborSolicitPacket, NdpOption, NdpOptionTypes,
    NeighborAdvertPacket,
};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types, checksum};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::{Ipv6Packet, MutableIpv6Packet};
use pnet::util::MacAddr;

use crate::agent::netlink::Mac;

const ETHERNET: usize = 14;
const ARP: usize = 28;
const IPV6: usize = 40;
/// Type, code, checksum, reserved, target.
const SOLICITATION: usize = 24;
/// Type, length (in units of 8 bytes), address.
const LINK_ADDRESS_OPTION: usize = 8;
/// Flags of an advertisement.
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;

/// An ARP request (RFC 826), to everyone. Without an address of our own in the target's subnet it
/// is a probe (RFC 5227 section 1.1: sender 0.0.0.0), which is answered all the same.
pub(in crate::agent) fn arp_request(
    mac: Mac,
    source: Option<Ipv4Addr>,
    target: Ipv4Addr,
) -> Option<Vec<u8>> {
    let mut frame = vec![0; ETHERNET + ARP];
    ethernet(&mut frame, MacAddr::broadcast(), mac, EtherTypes::Arp)?;
    let mut arp = MutableArpPacket::new(&mut frame[ETHERNET..])?;
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(mac.into());
    arp.set_sender_proto_addr(source.unwrap_or(Ipv4Addr::UNSPECIFIED));
    arp.set_target_proto_addr(target);
    Some(frame)
}

/// A neighbour solicitation (RFC 4861 section 4.3), to the target's solicited-node group. Without
/// an address of our own the source is `::`, and our Ethernet address must not be in it.
pub(super) fn solicitation(
    mac: Mac,
    source: Option<Ipv6Addr>,
    target: Ipv6Addr,
) -> Option<Vec<u8>> {
    let length = SOLICITATION + if source.is_some() { LINK_ADDRESS_OPTION } else { 0 };
    let mut frame = vec![0; ETHERNET + IPV6 + length];
    let [.., high, middle, low] = target.octets();
    let group = Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        u16::from_be_bytes([0xff, high]),
        u16::from_be_bytes([middle, low]),
    );
    let group_mac = MacAddr::new(0x33, 0x33, 0xff, high, middle, low);
    ethernet(&mut frame, group_mac, mac, EtherTypes::Ipv6)?;

    let sender = source.unwrap_or(Ipv6Addr::UNSPECIFIED);
    ipv6(&mut frame[ETHERNET..], sender, group)?;

    let message = &mut frame[ETHERNET + IPV6..];
    let mut solicit = MutableNeighborSolicitPacket::new(message)?;
    solicit.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
    solicit.set_target_addr(target);
    if source.is_some() {
        let option_type = NdpOptionTypes::SourceLLAddr;
        solicit.set_options(&[NdpOption { option_type, length: 1, data: mac.to_vec() }]);
    }
    let sum = checksum(&Icmpv6Packet::new(solicit.packet())?, &sender, &group);
    solicit.set_checksum(sum);
    Some(frame)
}

/// An unsolicited neighbour advertisement to everyone (RFC 4861, section 7.2.6): `address` is behind `mac` now,
/// whatever was known before (Override). `router` as the host is one.
pub(in crate::agent) fn unsolicited_advertisement(
    mac: Mac,
    address: Ipv6Addr,
    router: bool,
) -> Option<Vec<u8>> {
    let length = SOLICITATION + LINK_ADDRESS_OPTION;
    let mut frame = vec![0; ETHERNET + IPV6 + length];
    let everyone = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    ethernet(&mut frame, MacAddr::new(0x33, 0x33, 0, 0, 0, 1), mac, EtherTypes::Ipv6)?;
    ipv6(&mut frame[ETHERNET..], address, everyone)?;
    let mut advert = MutableNeighborAdvertPacket::new(&mut frame[ETHERNET + IPV6..])?;
    advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advert.set_flags(OVERRIDE | if router { ROUTER } else { 0 });
    advert.set_target_addr(address);
    let option_type = NdpOptionTypes::TargetLLAddr;
    advert.set_options(&[NdpOption { option_type, length: 1, data: mac.to_vec() }]);
    let sum = checksum(&Icmpv6Packet::new(advert.packet())?, &address, &everyone);
    advert.set_checksum(sum);
    Some(frame)
}

/// Reads an ARP reply or a neighbour advertisement: who has which Ethernet address. Anything else,
/// and anything malformed, is `None`.
pub(super) fn answer(frame: &[u8]) -> Option<(IpAddr, Mac)> {
    let ethernet = EthernetPacket::new(frame)?;
    let (address, mac) = match ethernet.get_ethertype() {
        EtherTypes::Arp => arp_reply(ethernet.payload())?,
        EtherTypes::Ipv6 => advertisement(ethernet.payload())?,
        _ => return None,
    };
    let usable = mac != Mac::default() && mac[0] & 1 == 0;
    usable.then_some((address, mac))
}

fn arp_reply(payload: &[u8]) -> Option<(IpAddr, Mac)> {
    let arp = ArpPacket::new(payload)?;
    let ours = arp.get_hardware_type() == ArpHardwareTypes::Ethernet
        && arp.get_protocol_type() == EtherTypes::Ipv4
        && (arp.get_hw_addr_len(), arp.get_proto_addr_len()) == (6, 4)
        && arp.get_operation() == ArpOperations::Reply;
    ours.then(|| (arp.get_sender_proto_addr().into(), arp.get_sender_hw_addr().into()))
}

/// The checks of RFC 4861 section 7.1.2.
fn advertisement(payload: &[u8]) -> Option<(IpAddr, Mac)> {
    let ip = Ipv6Packet::new(payload)?;
    let length = usize::from(ip.get_payload_length());
    let message = payload.get(IPV6..IPV6 + length)?;
    let icmp = Icmpv6Packet::new(message)?;
    let valid = ip.get_next_header() == IpNextHeaderProtocols::Icmpv6
        && ip.get_hop_limit() == 255
        && icmp.get_icmpv6_type() == Icmpv6Types::NeighborAdvert
        && icmp.get_icmpv6_code().0 == 0
        && checksum(&icmp, &ip.get_source(), &ip.get_destination()) == icmp.get_checksum();
    if !valid {
        return None;
    }
    let advert = NeighborAdvertPacket::new(message)?;
    let mut options = message.get(SOLICITATION..)?;
    while let [kind, units, ..] = *options {
        let size = usize::from(units) * 8;
        if size == 0 {
            return None;
        }
        let option = options.get(..size)?;
        if kind == NdpOptionTypes::TargetLLAddr.0 {
            let mac = Mac::try_from(option.get(2..8)?).ok()?;
            return Some((advert.get_target_addr().into(), mac));
        }
        options = options.get(size..)?;
    }
    None
}

/// The header of a packet of neighbour discovery, which `packet` has room for.
fn ipv6(packet: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) -> Option<()> {
    let length = u16::try_from(packet.len().checked_sub(IPV6)?).ok()?;
    let mut ip = MutableIpv6Packet::new(packet)?;
    ip.set_version(6);
    ip.set_payload_length(length);
    ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
    // Receivers drop any other value: it proves that no router has passed it on.
    ip.set_hop_limit(255);
    ip.set_source(source);
    ip.set_destination(destination);
    Some(())
}

fn ethernet(
    frame: &mut [u8],
    destination: MacAddr,
    source: Mac,
    kind: pnet::packet::ethernet::EtherType,
) -> Option<()> {
    let mut header = MutableEthernetPacket::new(frame)?;
    header.set_destination(destination);
    header.set_source(source.into());
    header.set_ethertype(kind);
    Some(())
}

#[cfg(test)]
#[path = "frames_test.rs"]
mod tests;
