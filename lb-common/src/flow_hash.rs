//! The flow hash: client address and ports → 64 bits, bit for bit the same in XDP and in user space.
//!
//! Keyed: the three multipliers are secret odd numbers made from the cluster's seed, so that nobody
//! outside can aim flows at one slot. Each step multiplies (which carries every bit upwards) and folds the
//! upper half back down; the ring takes its slot from the upper 32 bits. It is not a MAC: a step is
//! about six instructions where a round of SipHash is about forty, and the output is never seen from
//! outside, only which real server answered.

use crate::{
    abi::{Address, FAST_SERVICES, Halves, Service, ServiceKey},
    flow::Flow,
};

/// The secret multipliers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKeys {
    /// Odd numbers.
    pub multipliers: [u64; 3],
}

impl HashKeys {
    /// Made from 32 bytes of secret seed. Any seed will do; directors of one cluster share it.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        // SplitMix64 over the four words of the seed: every output depends on all of them.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for chunk in 0..4 {
            let mut word = [0; 8];
            word.copy_from_slice(&seed[chunk * 8..chunk * 8 + 8]);
            state = split_mix(state ^ u64::from_le_bytes(word));
        }
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            split_mix(state) | 1
        };
        Self { multipliers: [next(), next(), next()] }
    }

    /// Where the hash of a service starts: depends on its VIP alone, so that all ports of a VIP agree and a
    /// port that is added later moves nobody.
    #[must_use]
    pub fn salt(&self, vip: Address) -> u64 {
        let [high, low] = vip.halves().lanes();
        split_mix(split_mix(high ^ self.multipliers[0]) ^ low ^ self.multipliers[1])
    }

    /// The place of a service among [`FAST_SERVICES`].
    #[inline(always)]
    #[must_use]
    pub const fn fast_place(&self, key: &ServiceKey) -> u32 {
        let [high, low] = key.address.halves().lanes();
        let rest = (key.port as u64) << 8 | key.protocol as u64;
        let h = step(high ^ rest, self.multipliers[1]);
        let h = (step(h ^ low, self.multipliers[0]) >> 32) as u32;
        h >> (u32::BITS - FAST_SERVICES.trailing_zeros())
    }

    /// The whole flow in one word, during one window: `hash` is the one that [`HashKeys::flow`] gave it, which may
    /// leave out ports and bits of the client.
    #[inline(always)]
    #[must_use]
    pub const fn whole_flow(&self, hash: u64, window: u32, flow: &Flow) -> u64 {
        let [high, low] = flow.client.lanes();
        let h = step(hash ^ (window as u64) << 8 ^ flow.protocol as u64, self.multipliers[1]);
        let h = step(h ^ high, self.multipliers[2]);
        let h = step(h ^ low, self.multipliers[0]);
        step(h ^ flow.ports as u64, self.multipliers[1])
    }

    /// The hash of a flow of `service`. `ports` is source port then destination port, as the packet has
    /// them.
    #[inline(always)]
    #[must_use]
    pub fn flow(&self, service: &Service, client: Halves, ports: u32) -> u64 {
        let [high, low] = client.lanes();
        let h = step(service.salt ^ (high & service.source_mask[0]), self.multipliers[0]);
        let h = step(h ^ (low & service.source_mask[1]), self.multipliers[1]);
        let h = step(h ^ u64::from(u32::from_le(ports & service.port_mask())), self.multipliers[2]);
        // Without a last step the slot would be linear in the ports.
        step(h, self.multipliers[0])
    }
}

/// Multiply, fold.
#[inline(always)]
const fn step(value: u64, multiplier: u64) -> u64 {
    let product = value.wrapping_mul(multiplier);
    product ^ (product >> 32)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input bit reaches
/// every output bit. For tables and keys, not for packets.
#[must_use]
pub const fn split_mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr};

    const ALL: Service = Service {
        salt: 7,
        source_mask: [u64::MAX; 2],
        flags: Service::flags(Service::PORTS | Service::TRACKED, 0),
        pool: 0,
        guard: 0,
        counters: 0,
        mark: 0,
    };

    /// Pearson's statistic of `slots` equally likely cells.
    fn chi_square(counts: &[u32]) -> f64 {
        let total: u32 = counts.iter().sum();
        let expected = f64::from(total) / counts.len() as f64;
        counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum()
    }

    fn spread(flows: impl Iterator<Item = (Address, u32)>, seed: u8) -> f64 {
        let keys = HashKeys::from_seed([seed; 32]);
        let mut counts = [0_u32; 251];
        for (client, ports) in flows {
            let hash = keys.flow(&ALL, client.halves(), ports);
            counts[(((hash >> 32) * 251) >> 32) as usize] += 1;
        }
        chi_square(&counts)
    }

    #[test]
    fn flows_that_look_alike_spread_evenly() {
        // 250 degrees of freedom: mean 250, standard deviation 22; 400 is almost seven of them.
        for seed in 0..20 {
            let one_client = (0..50_000_u16).map(|port| {
                (Address::from(Ipv4Addr::new(10, 0, 0, 1)), u32::from(port.to_be()) | 0x5000_0000)
            });
            assert!(spread(one_client, seed) < 400.0, "ports of one client, seed {seed}");
            let subnet = (0..50_000_u32)
                .map(|host| (Address::from(Ipv4Addr::from(0x0a00_0000 + host)), 0x5000_1234));
            assert!(spread(subnet, seed) < 400.0, "clients of one subnet, seed {seed}");
            let v6 = (0..50_000_u128).map(|net| {
                (Address::from(Ipv6Addr::from((0x2001_0db8 << 96) | (net << 64) | 1)), 0x5000_1234)
            });
            assert!(spread(v6, seed) < 400.0, "networks of one provider, seed {seed}");
        }
    }

    #[test]
    fn masked_bits_do_not_count() {
        let keys = HashKeys::from_seed([1; 32]);
        let service = Service { flags: Service::flags(Service::TRACKED, 0), ..ALL };
        let client = Address::from(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(
            keys.flow(&service, client.halves(), 1),
            keys.flow(&service, client.halves(), 2)
        );
        let mask = Address::from(Ipv6Addr::from(!0_u128 << 8)).halves().lanes();
        let service = Service { source_mask: mask, ..service };
        let neighbour = Address::from(Ipv4Addr::new(10, 0, 0, 77));
        assert_eq!(
            keys.flow(&service, client.halves(), 1),
            keys.flow(&service, neighbour.halves(), 1)
        );
        let other = Address::from(Ipv4Addr::new(10, 0, 1, 1));
        assert_ne!(keys.flow(&service, client.halves(), 1), keys.flow(&service, other.halves(), 1));
    }

    #[test]
    fn seeds_give_different_keys() {
        let mut seed = [0; 32];
        let zero = HashKeys::from_seed(seed);
        for byte in 0..32 {
            seed[byte] = 1;
            assert_ne!(HashKeys::from_seed(seed), zero, "byte {byte} does not count");
            seed[byte] = 0;
        }
    }
}
