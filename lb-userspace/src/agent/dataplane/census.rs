//! What the flow table says: connections of real servers, counted anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lb_common::{
    abi::{FlowKey, Note, Service},
    flow::Flow,
    verdict::{Tables as _, find},
};

use super::DataPlane;
use crate::{
    model::Protocol,
    plan::{Census, NotedPool, PoolNumbers, RealNumber, connections_left},
};

impl DataPlane {
    /// Counts the connections of the real servers of `pools`, and writes the counts down. Returns the real
    /// servers that a live note names (`None` where not every note was seen), and how long that took.
    pub fn count_connections(
        &self,
        pools: &[(NotedPool, &PoolNumbers)],
    ) -> (Option<BTreeSet<RealNumber>>, Duration) {
        let began = self.maps.now();
        let by_window = self.by_window(pools.iter().map(|(pool, _)| *pool));
        // The kernel begins again when the note that it has just handed out is gone: under much change, that
        // could go on for ever.
        let limits = &self.origin.limits;
        let most = limits.flows as usize + limits.new_flows as usize;
        let mut seen = 0_usize;
        let known = self.maps.notes().map(|note| (note, false));
        let notes = known.chain(self.maps.new_notes().map(|note| (note, true))).take(most);
        // A flow of datagrams that was seen again stands in both tables: the younger note counts.
        let younger = |&((key, note), new): &((FlowKey, Note), bool)| {
            let older = |known: Note| known.window != note.window || known.seen < note.seen;
            !new || self.maps.flow(&key).is_none_or(older)
        };
        let notes = notes.inspect(|_| seen += 1).filter(younger).map(|(note, _)| note);
        let census = Census::of(notes, began, &by_window, |key| self.idle(key));
        for (pool, numbers) in pools {
            for &number in numbers.members.values().chain(numbers.retired.values()) {
                let counted = census.loads.get(&(pool.number, number));
                let (active, inactive) = counted.copied().unwrap_or_default();
                self.maps.put_load(numbers.reals.start + u32::from(number), active, inactive);
            }
        }
        let took = Duration::from_nanos(self.maps.now().saturating_sub(began));
        ((seen < most).then_some(census.named), took)
    }

    /// Connections that are left, by real server.
    #[must_use]
    pub fn connections_left(&self, pools: &[NotedPool]) -> BTreeMap<RealNumber, u64> {
        let notes = self.maps.notes().take(self.origin.limits.flows as usize);
        connections_left(notes, self.maps.now(), &self.by_window(pools.iter().copied()))
    }

    /// Pools by the number of their window.
    fn by_window(&self, pools: impl Iterator<Item = NotedPool>) -> BTreeMap<u32, NotedPool> {
        pools.filter_map(|pool| Some((self.maps.pool(pool.number)?.window, pool))).collect()
    }

    /// For how long a flow of datagrams is one, in nanoseconds; `None` for a connection.
    fn idle(&self, key: &FlowKey) -> Option<u64> {
        if key.protocol != u32::from(Protocol::Udp.number()) {
            return None;
        }
        let service = find(&Flow::from_key(key), &self.maps);
        service.filter(|service| !service.has(Service::QUIC)).map(|service| service.idle())
    }
}
