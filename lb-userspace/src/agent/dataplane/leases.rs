//! The leases of VRRP instances, as user space reads and writes them: words in memory that XDP reads meanwhile.
//!
//! No lock and no system call: the thread that advertises must not wait.

use std::{sync::Arc, time::Duration};

use lb_common::abi::{LEASES, Lease};

use super::mmap::Words;

/// The words of [`Lease`], in their order.
const RENEWED: usize = 0;
const LENGTH: usize = 1;
const CLAIMED: usize = 2;
const HEARD: usize = 3;
const OWNER: usize = 4;

/// All of them.
#[derive(Clone, Debug)]
pub struct Leases {
    words: Arc<Words>,
}

impl Leases {
    /// Words of the map.
    pub(super) const LENGTH: usize = LEASES as usize * Lease::WORDS;

    pub(super) fn new(words: Words) -> Self {
        Self { words: Arc::new(words) }
    }

    /// The lease of an owner ([`Lease::owner`]): the one that an earlier agent has left, or a new one. `None`: there
    /// are too many.
    #[must_use]
    pub fn of(&self, owner: u64) -> Option<LeaseHandle> {
        let named = |wanted| (0..LEASES).find(|number| self.word(*number, OWNER) == wanted);
        let number = named(owner).or_else(|| {
            let free = named(0)?;
            self.set(free, CLAIMED, 0);
            self.set(free, HEARD, 0);
            self.set(free, OWNER, owner);
            Some(free)
        })?;
        Some(LeaseHandle { leases: self.clone(), number })
    }

    /// Frees the leases of all others.
    pub fn retain(&self, owners: &[u64]) {
        for number in 0..LEASES {
            let owner = self.word(number, OWNER);
            if owner != 0 && !owners.contains(&owner) {
                self.set(number, RENEWED, 0);
                self.set(number, OWNER, 0);
            }
        }
    }

    fn word(&self, number: u32, word: usize) -> u64 {
        self.words.get(number as usize * Lease::WORDS + word).unwrap_or_default()
    }

    fn set(&self, number: u32, word: usize, value: u64) {
        self.words.set(number as usize * Lease::WORDS + word, value);
    }
}

/// One of them. Times are on `CLOCK_BOOTTIME`.
#[derive(Clone, Debug)]
pub struct LeaseHandle {
    leases: Leases,
    number: u32,
}

impl LeaseHandle {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// What it says now.
    #[must_use]
    pub fn read(&self) -> Lease {
        let word = |word| self.leases.word(self.number, word);
        Lease {
            renewed: word(RENEWED),
            length: word(LENGTH),
            claimed: word(CLAIMED),
            heard: word(HEARD),
            owner: word(OWNER),
        }
    }

    /// An advertisement was sent at `at`, which counts for `length`.
    pub fn renew(&self, at: Duration, length: Duration) {
        self.leases.set(self.number, LENGTH, nanoseconds(length));
        self.leases.set(self.number, RENEWED, nanoseconds(at));
    }

    /// The VIPs are not on this host.
    pub fn give_up(&self) {
        self.leases.set(self.number, RENEWED, 0);
    }

    /// This host does not answer for the VIPs any more: another one has them.
    #[must_use]
    pub fn is_fenced(&self, now: Duration) -> bool {
        self.read().is_fenced(nanoseconds(now))
    }

    /// The last advertisement still counts, and nobody has claimed a VIP since.
    #[must_use]
    pub fn is_held(&self, now: Duration) -> bool {
        let lease = self.read();
        lease.is_fresh(nanoseconds(now)) && !lease.is_contested()
    }
}

/// At least 1: 0 says that nothing is held.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}
