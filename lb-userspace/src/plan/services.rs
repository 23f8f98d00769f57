//! What the maps should hold of a virtual service: its entries, its VIP and its guard.

use std::net::IpAddr;

use lb_common::abi::{Address, Guard, Service, ServiceKey, Vip};

use super::{Desired, Inputs};
use crate::model::{self, GuardAction, HashKey, OnEmpty, PersistenceDrain, Protocol};

impl Desired {
    /// Adds the entries of a service; all of a bundle hold the same but for what its protocols differ in.
    pub(super) fn add_service(&mut self, service: &model::Service, inputs: &Inputs<'_>) {
        let numbering = inputs.numbering;
        let Some(numbers) = numbering.services.get(&service.name) else { return };
        let Some(pool) = numbering.pools.get(&numbers.pool) else { return };
        let Some(configured) = inputs.effective.config.pool(service.pool.as_str()) else { return };
        let vip = Address::from(service.address);
        let key = service.hash_key(configured.scheduler);
        let Ok(number) = u16::try_from(pool.number) else { return };
        let record = Service {
            salt: inputs.keys.salt(vip),
            source_mask: source_mask(key, service.address),
            flags: 0,
            pool: number,
            guard: service.guard.as_ref().map_or(0, |_| numbers.guard),
            counters: numbers.counters.start,
            mark: service.mark.map_or(0, model::Mark::get),
        };
        if let Some(guard) = &service.guard {
            self.guards.insert(numbers.guard, guard_record(guard, service.address));
        }
        let flood = inputs.surroundings.floods.contains(&service.name);
        for spec in &service.ports {
            let flags = match service.proxy {
                Some(_) => 0,
                None => flags(service, configured, key, spec.protocol, flood),
            };
            let record = Service { flags, ..record };
            for port in spec.ports() {
                self.add_entry(ServiceKey::new(vip, spec.protocol.number(), port), record);
            }
        }
    }

    fn add_entry(&mut self, key: ServiceKey, record: Service) {
        let vip = self.vips.entry(key.address).or_default();
        let seen = vip.protocols & Vip::protocol_bit(key.protocol) != 0;
        // Later fragments without a note can be for one port only where there is but one.
        let only = if seen { 0 } else { key.port };
        if key.protocol == Protocol::Tcp.number() {
            vip.tcp = only;
        } else {
            vip.udp = only;
        }
        vip.services += 1;
        vip.protocols |= Vip::protocol_bit(key.protocol);
        self.services.insert(key, record);
    }
}

/// Which bits of the client's address count.
fn source_mask(key: HashKey, vip: IpAddr) -> [u64; 2] {
    match key {
        HashKey::Flow => [u64::MAX; 2],
        HashKey::Source { prefix } => mask(vip, prefix),
    }
}

/// The mask of a prefix in the family of `vip`, as [`lb_common::abi::Halves::lanes`].
fn mask(vip: IpAddr, prefix: u8) -> [u64; 2] {
    let host_bits = match vip {
        IpAddr::V4(_) => 32_u32.saturating_sub(u32::from(prefix)),
        IpAddr::V6(_) => 128_u32.saturating_sub(u32::from(prefix)),
    };
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    Address { bytes: mask.to_be_bytes() }.halves().lanes()
}

/// How an entry of a service is hashed and tracked: connections always, datagrams where the service keeps
/// their flows or their clients.
fn flags(
    service: &model::Service,
    pool: &model::Pool,
    key: HashKey,
    protocol: Protocol,
    flood: bool,
) -> u32 {
    let counting = pool.scheduler.counts();
    let quic = service.quic && protocol == Protocol::Udp;
    // A bundle keeps its clients together: where the scheduler counts, no hash does.
    let bundled = (counting && service.is_bundle()).then(model::Persistence::default);
    let persistence = service.persistence.clone().or(bundled);
    let timeout = match (&persistence, protocol) {
        (Some(persistence), _) => Some(persistence.timeout),
        (None, Protocol::Udp) => service.udp_idle.map(model::UdpIdle::get),
        (None, Protocol::Tcp) => None,
    };
    let idle = timeout.map_or(0, |idle| u32::try_from(idle.as_secs()).unwrap_or(u32::MAX).max(1));
    let clinging = persistence.is_some_and(|p| p.drain == PersistenceDrain::Stay);
    let bits = [
        (Service::PORTS, key == HashKey::Flow),
        (Service::TRACKED, protocol == Protocol::Tcp || quic || idle > 0),
        (Service::QUIC, quic),
        (Service::COUNTING, counting),
        (Service::FLOOD, flood),
        (Service::REJECT, pool.on_empty == OnEmpty::Reject),
        (Service::TUNNEL, service.mode == model::Mode::Tunnel),
        (Service::CLINGING, clinging),
    ];
    let bits = bits.into_iter().filter(|(_, on)| *on).fold(0, |all, (bit, _)| all | bit);
    Service::flags(bits, idle)
}

/// The record of a guard, its bucket full.
fn guard_record(guard: &model::Guard, vip: IpAddr) -> Guard {
    let nanos = |rate: &model::Rate| {
        let interval = u64::try_from(rate.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        (interval, interval.saturating_mul(u64::from(rate.burst.saturating_sub(1))))
    };
    let (interval, tolerance) = guard.rate.as_ref().map_or((0, 0), nanos);
    let source = guard.source_rate.as_ref();
    let (source_interval, source_tolerance) = source.map_or((0, 0), |source| nanos(&source.rate));
    let prefix = source.map_or(0, |source| match vip {
        IpAddr::V4(_) => source.ipv4_prefix,
        IpAddr::V6(_) => source.ipv6_prefix,
    });
    let deny = if guard.default == GuardAction::Deny { Guard::DENY } else { 0 };
    Guard {
        // Lists may be filled at run time.
        flags: Guard::LISTED | deny,
        interval,
        tolerance,
        source_interval,
        source_tolerance,
        source_mask: mask(vip, prefix),
        ..Guard::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_every_length() {
        for (vip, longest) in [("10.0.0.1", 32), ("fd00::1", 128)] {
            let vip: IpAddr = vip.parse().unwrap();
            let mut before = None;
            for prefix in 1..=longest {
                let [high, low] = source_mask(HashKey::Source { prefix }, vip);
                let bits = high.count_ones() + low.count_ones();
                let mapped = if longest == 32 { 96 } else { 0 };
                assert_eq!(bits, u32::from(prefix) + mapped, "/{prefix}");
                assert_ne!(before.replace([high, low]), Some([high, low]));
            }
            assert_eq!(source_mask(HashKey::Flow, vip), [u64::MAX; 2]);
        }
    }
}
