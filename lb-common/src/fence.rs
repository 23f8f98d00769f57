//! What a frame says of who has an address: ARP, neighbour discovery, VRRP.
//!
//! [`heard`] reads what comes in. Only what a takeover sends counts as a claim:
//!
//! - *Gratuitous ARP*, request or reply: sender and target are the same address. An ARP request *from* a VIP for
//!   another address is none: a real server that has the VIP on `lo` and lacks `arp_announce=2` sends those.
//! - *Unsolicited neighbour advertisements* with hop limit 255. Solicited ones are for who asked, and we never ask.
//! - *VRRP advertisements* with TTL or hop limit 255, whose first VIP is one of ours: with another virtual router of the
//!   same number nothing is shared. Priority 0 takes the claim back. Neither checksum nor password is looked at.
//!
//! None of them is authentic, and none needs to be: whoever can send one from this segment can have the VIP's traffic
//! by the same means, and a claim means nothing while the agent advertises.
//!
//! [`told`] reads what goes out: every frame that would put our MAC address into a neighbour's table; and every frame
//! that a virtual router's own MAC address sends, as a switch learns from it where that is.

use crate::{
    abi::Halves,
    decode::{Kind, kind},
    wire::{ETHERNET, Frame, ethertype, is_tag, protocol},
};

/// TTL and hop limit of what has not crossed a router.
const FRESH: u8 = 255;
/// Behind this header VRRPv2 may stand: 12 bytes, and 12 of a signature.
const AH: usize = 24;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The flag of an advertisement that answers a solicitation.
const SOLICITED: u8 = 0x40;
/// Version and type of advertisements (RFC 3768, section 5.1; RFC 9568, section 5.1).
const VRRP2: u8 = 0x21;
const VRRP3: u8 = 0x31;

/// What a frame that came in says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing of this kind.
    Nothing,
    /// It asks who has this address.
    Asked,
    /// This address is behind this MAC address.
    Claimed,
    /// The master of this virtual router has this address, among others.
    Advertised,
    /// It has it no more.
    Left,
}

/// The same with what it says it of. (Not in the variants: what one of them does not have, the compiler would copy
/// all the same, and kernels before 6.4 let nobody read from the stack what nobody has written.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What.
    pub what: What,
    /// The address.
    pub address: Halves,
    /// Claimed: the MAC address as a number, its first byte the lowest. Advertised or left: the virtual router's
    /// number.
    pub by: u64,
}

/// Reads a frame that came in.
#[inline(always)]
pub fn heard<F: Frame + ?Sized>(frame: &F) -> Heard {
    match kind(frame) {
        (Kind::Ipv4, at) => vrrp4(frame, at),
        (Kind::Ipv6, at) => ipv6(frame, at),
        (Kind::Pass(_), at) => arp(frame, at).map_or(Heard::NOTHING, |arp| arp.heard()),
    }
}

/// Reads a frame that goes out: whose neighbour entry it would set to its sender, or the sign ([`sign_of`]) of the
/// virtual router whose MAC address sends it. An advertisement says neither: who sends one is alive.
#[inline(always)]
pub fn told<F: Frame + ?Sized>(frame: &F) -> Option<Halves> {
    let macs = frame.window::<12>(0)?;
    let mac = number(macs.raw32::<6>(), macs.raw16::<10>());
    if is_virtual(mac) {
        return if advertises(frame) { None } else { Some(sign(mac)) };
    }
    match kind(frame) {
        (Kind::Ipv4, _) => None,
        (Kind::Ipv6, at) => {
            let header = frame.window::<40>(at)?;
            let message = frame.window::<24>(at + 40)?;
            if header.u8::<6>() != protocol::ICMPV6 {
                return None;
            }
            let address = match message.u8::<0>() {
                ADVERTISEMENT => Halves([message.raw64::<8>(), message.raw64::<16>()]),
                // It bears the MAC address of its source.
                SOLICITATION => Halves([header.raw64::<8>(), header.raw64::<16>()]),
                _ => return None,
            };
            if address.is_mapped_v4() { None } else { Some(address) }
        }
        (Kind::Pass(_), at) => Some(arp(frame, at)?.sender),
    }
}

/// What stands for a virtual router's own MAC address among guarded addresses: the link-local address that belongs to
/// it (RFC 4291, appendix A), which nobody has, as all its directors would have it.
#[must_use]
pub fn sign_of(mac: [u8; 6]) -> Halves {
    let [a, b, c, d, e, f] = mac;
    sign(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
}

#[inline(always)]
fn sign(mac: u64) -> Halves {
    // Of a virtual router, only the last two bytes differ.
    let (family, router) = (mac >> 32 & 0xff, mac >> 40 & 0xff);
    let low = 0x0200_5eff_fe00_0000 | family << 8 | router;
    Halves([0xfe80_0000_0000_0000_u64.to_be(), low.to_be()])
}

/// Is it an advertisement of VRRP, be it behind an authentication header?
#[inline(always)]
fn advertises<F: Frame + ?Sized>(frame: &F) -> bool {
    let next = match kind(frame) {
        (Kind::Ipv4, at) => frame.window::<20>(at).map(|header| header.u8::<9>()),
        (Kind::Ipv6, at) => frame.window::<40>(at).map(|header| header.u8::<6>()),
        (Kind::Pass(_), _) => None,
    };
    matches!(next, Some(protocol::VRRP | protocol::AH))
}

/// The VLAN of a frame; 0: it has no tag.
#[inline(always)]
pub fn vlan<F: Frame + ?Sized>(frame: &F) -> u16 {
    match frame.window::<{ ETHERNET + 2 }>(0) {
        Some(head) if is_tag(head.be16::<12>()) => head.be16::<14>() & 0x0fff,
        _ => 0,
    }
}

impl Heard {
    const NOTHING: Self = Self { what: What::Nothing, address: Halves([0; 2]), by: 0 };

    /// With a virtual router's own MAC address nobody says that he is another one than we are: the advertisement
    /// that goes before tells.
    #[inline(always)]
    const fn claimed(address: Halves, mac: u64) -> Self {
        if is_virtual(mac) { Self::NOTHING } else { Self { what: What::Claimed, address, by: mac } }
    }

    #[inline(always)]
    const fn asked(address: Halves) -> Self {
        Self { what: What::Asked, address, by: 0 }
    }

    #[inline(always)]
    const fn advertised(address: Halves, router: u8, priority: u8) -> Self {
        let what = if priority == 0 { What::Left } else { What::Advertised };
        Self { what, address, by: router as u64 }
    }
}

/// `00:00:5e:00:01:xx` and, for IPv6, `00:00:5e:00:02:xx` (RFC 9568, section 7.3).
#[inline(always)]
const fn is_virtual(mac: u64) -> bool {
    matches!(mac & 0xff_ffff_ffff, 0x01_005e_0000 | 0x02_005e_0000)
}

/// RFC 826, for IPv4 over Ethernet.
struct Arp {
    request: bool,
    mac: u64,
    sender: Halves,
    target: Halves,
}

impl Arp {
    #[inline(always)]
    fn heard(&self) -> Heard {
        if self.sender == self.target {
            Heard::claimed(self.sender, self.mac)
        } else if self.request {
            Heard::asked(self.target)
        } else {
            Heard::NOTHING
        }
    }
}

/// What stands at `at`, behind a type that says ARP.
#[inline(always)]
fn arp<F: Frame + ?Sized>(frame: &F, at: usize) -> Option<Arp> {
    const ETHERNET_IPV4: u64 = 0x0001_0800_0604;
    let header = frame.window::<30>(at - 2)?;
    let said = u64::from_be(header.raw64::<2>());
    let operation = said & 0xffff;
    if header.be16::<0>() != ethertype::ARP
        || said >> 16 != ETHERNET_IPV4
        || !matches!(operation, 1 | 2)
    {
        return None;
    }
    Some(Arp {
        request: operation == 1,
        mac: number(header.raw32::<10>(), header.raw16::<14>()),
        sender: Halves::from_v4_word(header.raw32::<16>()),
        target: Halves::from_v4_word(header.raw32::<26>()),
    })
}

/// A MAC address as a number.
#[inline(always)]
fn number(low: u32, high: u16) -> u64 {
    u64::from(u32::from_le(low)) | u64::from(u16::from_le(high)) << 32
}

#[inline(always)]
fn ipv6<F: Frame + ?Sized>(frame: &F, at: usize) -> Heard {
    let (Some(macs), Some(header), Some(message)) =
        (frame.window::<12>(0), frame.window::<40>(at), frame.window::<24>(at + 40))
    else {
        return Heard::NOTHING;
    };
    let address = Halves([message.raw64::<8>(), message.raw64::<16>()]);
    // On the wire a mapped address stands for nothing; in the maps it is an IPv4 address.
    if header.u8::<7>() != FRESH || address.is_mapped_v4() {
        return Heard::NOTHING;
    }
    match (header.u8::<6>(), message.u8::<0>()) {
        (protocol::ICMPV6, SOLICITATION) => Heard::asked(address),
        (protocol::ICMPV6, ADVERTISEMENT) if message.u8::<4>() & SOLICITED == 0 => {
            Heard::claimed(address, number(macs.raw32::<6>(), macs.raw16::<10>()))
        }
        (protocol::VRRP, VRRP3) if message.u8::<3>() != 0 => {
            Heard::advertised(address, message.u8::<1>(), message.u8::<2>())
        }
        _ => Heard::NOTHING,
    }
}

#[inline(always)]
fn vrrp4<F: Frame + ?Sized>(frame: &F, at: usize) -> Heard {
    let Some(header) = frame.window::<20>(at) else { return Heard::NOTHING };
    let behind = at + usize::from(header.u8::<0>() & 0x0f) * 4;
    let behind = match header.u8::<9>() {
        protocol::VRRP => behind,
        protocol::AH => behind + AH,
        _ => return Heard::NOTHING,
    };
    let Some(vrrp) = frame.window::<12>(behind) else { return Heard::NOTHING };
    let advertises = matches!(vrrp.u8::<0>(), VRRP2 | VRRP3);
    if !advertises || header.u8::<8>() != FRESH || vrrp.u8::<3>() == 0 {
        return Heard::NOTHING;
    }
    Heard::advertised(Halves::from_v4_word(vrrp.raw32::<8>()), vrrp.u8::<1>(), vrrp.u8::<2>())
}

#[cfg(test)]
#[path = "fence_test.rs"]
mod tests;
