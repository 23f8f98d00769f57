//! Who may come in, and how fast: looked at before anything else is paid for.

use super::Address;

/// The guard of a service.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// [`Guard::LISTED`] and the other bits below.
    pub flags: u32,
    /// Zero.
    pub zero: u32,
    /// Nanoseconds between two new connections of the service in the long run; 0: no limit.
    pub interval: u64,
    /// How far new connections may run ahead of that, in nanoseconds.
    pub tolerance: u64,
    /// The same for one source.
    pub source_interval: u64,
    /// The same for one source.
    pub source_tolerance: u64,
    /// Which bits of a client's address make a source ([`super::Halves::lanes`]).
    pub source_mask: [u64; 2],
    /// The service's own bucket; the XDP program writes it.
    pub bucket: Bucket,
}

const _: () = assert!(size_of::<Guard>() == 64);

impl Guard {
    /// There are lists to look at.
    pub const LISTED: u32 = 1;
    /// Who is on no list stays out.
    pub const DENY: u32 = 2;

    /// True where every bit of `bits` is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, bits: u32) -> bool {
        self.flags & bits == bits
    }
}

/// A token bucket in one word (the generic cell rate algorithm of ITU-T I.371): the time at which it will be
/// empty, nanoseconds of `CLOCK_MONOTONIC`. Two CPUs that take at once may take one token for two; nothing
/// else is lost, and no lock is needed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// The theoretical arrival time of the next conforming event.
    pub empty_at: u64,
}

impl Bucket {
    /// Takes one token; `None` where there is none. `interval`: the time that a token takes to come back,
    /// `tolerance`: how far ahead of the clock the bucket may be.
    #[inline(always)]
    #[must_use]
    pub const fn take(self, now: u64, interval: u64, tolerance: u64) -> Option<Self> {
        let from = if self.empty_at > now { self.empty_at } else { now };
        if from - now > tolerance { None } else { Some(Self { empty_at: from + interval }) }
    }
}

/// One prefix of a list, as the trie is searched: longest prefix first. The prefix length in front of it
/// counts the list's number too.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuardList {
    /// Whose list: the number of a guard, or one of the numbers below. Big-endian, because
    /// the trie reads from the first byte on.
    pub list: [u8; 4],
    /// The address.
    pub address: Address,
}

const _: () = assert!(size_of::<GuardList>() == 20);

impl GuardList {
    /// The list of every service with a guard.
    pub const EVERY: u32 = 0;
    /// Hosts that may send tunnels.
    pub const TUNNELS: u32 = u32::MAX;
    /// Addresses of this host at which tunnels end. The value is the UDP port of GUE.
    pub const ENDS: u32 = u32::MAX - 1;
    /// Bits of the list's number, in front of those of the address.
    pub const LIST_BITS: u32 = 32;

    /// An address of a list.
    #[inline(always)]
    #[must_use]
    pub const fn new(list: u32, address: Address) -> Self {
        Self { list: list.to_be_bytes(), address }
    }
}

/// What a list says of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum GuardAction {
    /// It comes in, and no rate of one source counts for it.
    Allow = 1,
    /// It stays out.
    Deny = 2,
}

/// A source at a service.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// Number of the guard.
    pub guard: u32,
    /// Its masked address.
    pub source: Address,
}

const _: () = assert!(size_of::<SourceKey>() == 20);

#[cfg(test)]
mod tests {
    use super::*;

    /// Three at once, then one each 10.
    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::default();
        let mut take = |now| match bucket.take(now, 10, 20) {
            Some(next) => {
                bucket = next;
                true
            }
            None => false,
        };
        assert_eq!([take(100), take(100), take(100), take(100)], [true, true, true, false]);
        assert_eq!([take(109), take(110), take(111), take(120)], [false, true, false, true]);
        assert_eq!([take(500), take(500), take(500), take(500)], [true, true, true, false]);
    }
}
