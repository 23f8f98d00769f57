//! How long a master may be believed to be one, and which VIPs stand and fall with that.

use super::{Address, Halves};

/// The most leases: one for each VRRP instance.
pub const LEASES: u32 = 1_024;
/// The most VIPs of VRRP instances.
pub const FENCES: u32 = 16_384;
/// The most interfaces of this host whose MAC addresses are known.
pub const OWN_MACS: u32 = 1_024;

/// The lease of a VRRP instance: five words, each replaced by one store. Times are nanoseconds of
/// `CLOCK_BOOTTIME`, which counts on while the host is suspended.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// By the agent: when the last advertisement was sent. 0: this host does not hold the VIPs.
    pub renewed: u64,
    /// By the agent: how long that counts, in nanoseconds.
    pub length: u64,
    /// By XDP: when another host claimed a VIP last. 0: it has given it up since.
    pub claimed: u64,
    /// By XDP: when another director's advertisement was heard last.
    pub heard: u64,
    /// By the agent: whose it is ([`Lease::owner`]). 0: nobody's.
    pub owner: u64,
}

const _: () = assert!(size_of::<Lease>() == 40);

impl Lease {
    /// Words of one.
    pub const WORDS: usize = size_of::<Self>() / 8;

    /// The instance with this number of its virtual router, in the network that it is in.
    #[must_use]
    pub const fn owner(interface: u32, v6: bool, virtual_router: u8) -> u64 {
        (interface as u64) << 16 | (v6 as u64) << 8 | virtual_router as u64
    }

    /// The number of its virtual router.
    #[inline(always)]
    #[must_use]
    pub const fn virtual_router(&self) -> u8 {
        self.owner.to_le_bytes()[0]
    }

    /// Another host has claimed a VIP since the last advertisement.
    #[inline(always)]
    #[must_use]
    pub const fn is_contested(&self) -> bool {
        self.claimed > self.renewed
    }

    /// The rival has advertised, and does so no more: it is gone, too. Of one that never did, nothing is known. Twice
    /// the time after which a director is dead: it may advertise less often than this one.
    #[inline(always)]
    const fn has_lost_its_rival(&self, now: u64) -> bool {
        self.heard > self.renewed && now.wrapping_sub(self.heard) >= self.length.wrapping_mul(2)
    }

    /// The last advertisement still counts. What was sent in the future, before a restart of the host, does not.
    #[inline(always)]
    #[must_use]
    pub const fn is_fresh(&self, now: u64) -> bool {
        self.renewed != 0 && now.wrapping_sub(self.renewed) < self.length
    }

    /// This host must not answer for the VIPs: it has them, it is silent, and another one has them now. A silent
    /// director without a rival, or that has outlived it, goes on.
    #[inline(always)]
    #[must_use]
    pub const fn is_fenced(&self, now: u64) -> bool {
        self.renewed != 0
            && !self.is_fresh(now)
            && self.is_contested()
            && !self.has_lost_its_rival(now)
    }
}

/// A VIP of a VRRP instance. Link-local ones mean something else in each network, others do not: a host answers for
/// them wherever it is asked.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FenceKey {
    /// The VIP.
    pub address: Address,
    /// Link-local: the interface that frames come in by. Otherwise 0.
    pub interface: u32,
    /// Link-local: the VLAN there. Otherwise, and without a tag, 0.
    pub vlan: u32,
}

const _: () = assert!(size_of::<FenceKey>() == 24);

impl FenceKey {
    /// An address, seen in a VLAN (0: none) of an interface.
    #[inline(always)]
    #[must_use]
    pub const fn new(address: Halves, interface: u32, vlan: u16) -> Self {
        let local = address.is_link_local();
        Self {
            address: Address::from_halves(address),
            interface: if local { interface } else { 0 },
            vlan: if local { vlan as u32 } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_are_those_that_are_silent_and_have_a_rival() {
        // Renewed, claimed, heard, now: fresh, fenced. The length is 30.
        for (renewed, claimed, heard, now, fresh, fenced) in [
            (100, 0, 0, 129, true, false),
            (100, 120, 0, 129, true, false),
            (100, 120, 0, 130, false, true),
            (100, 120, 0, 9_999, false, true),
            (100, 120, 120, 179, false, true),
            (100, 120, 120, 180, false, false),
            (100, 150, 120, 180, false, false),
            (100, 120, 90, 9_999, false, true),
            (100, 100, 0, 130, false, false),
            (100, 99, 0, 9_999, false, false),
            (100, 0, 0, 9_999, false, false),
            (0, 120, 0, 130, false, false),
            (500, 0, 0, 130, false, false),
        ] {
            let lease = Lease { renewed, length: 30, claimed, heard, owner: 1 };
            assert_eq!((lease.is_fresh(now), lease.is_fenced(now)), (fresh, fenced), "{lease:?}");
        }
    }

    #[test]
    fn owners_differ() {
        let all = [(2, false, 51), (2, true, 51), (3, false, 51), (2, false, 52), (256, true, 1)];
        let owners = all.map(|(interface, v6, router)| Lease::owner(interface, v6, router));
        for (place, owner) in owners.iter().enumerate() {
            assert!(!owners[..place].contains(owner) && *owner != 0, "{:?}", all[place]);
            let lease = Lease { owner: *owner, ..Lease::default() };
            assert_eq!(lease.virtual_router(), all[place].2);
        }
    }

    #[test]
    fn only_link_local_vips_have_a_place() {
        for (text, local) in [("10.8.8.40", false), ("fd00::40", false), ("fe80::51", true)] {
            let address: Address = text.parse::<core::net::IpAddr>().unwrap().into();
            let key = FenceKey::new(address.halves(), 2, 7);
            let place = if local { (2, 7) } else { (0, 0) };
            assert_eq!((key.address, (key.interface, key.vlan)), (address, place), "{text}");
        }
    }
}
