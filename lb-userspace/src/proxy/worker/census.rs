//! Where servers and pools are counted: the same cell for as long as they are configured.

use std::{net::SocketAddr, sync::atomic::AtomicU32};

use super::message::{Configuration, Members};
use crate::{
    balance::{Cell, Place, Places, PlacesFull},
    model::Name,
    proxy::Memory,
};

/// Servers that can be counted.
const SERVERS: u16 = 16_384;
/// Pools that can be.
const POOLS: u16 = 1_024;

/// Who is counted where.
#[derive(Clone, Debug)]
pub(super) struct Census {
    memory: Memory,
    servers: Places<(Name, Name, SocketAddr)>,
    pools: Places<Name>,
}

impl Census {
    /// With counters for as long as the process lives.
    pub(super) fn new() -> Self {
        let cells = |count: u16| -> &'static [Cell] {
            Box::leak((0..count).map(|_| Cell::default()).collect::<Box<[Cell]>>())
        };
        let errors = (0..SERVERS).map(|_| AtomicU32::new(0)).collect::<Box<[AtomicU32]>>();
        let errors = Box::leak(errors);
        let memory = Memory { servers: cells(SERVERS), pools: cells(POOLS), errors };
        Self { memory, servers: Places::new(SERVERS), pools: Places::new(POOLS) }
    }

    pub(super) const fn memory(&self) -> Memory {
        self.memory
    }

    /// Counts the pools and servers of a configuration.
    ///
    /// # Errors
    /// There are too many; then nothing has changed.
    pub(super) fn take(&mut self, configuration: &Configuration) -> Result<(), PlacesFull> {
        let all = configuration.pools.iter().map(|pool| &pool.members);
        let pools: Vec<_> = all.clone().map(|members| members.pool.clone()).collect();
        let servers: Vec<_> = all.flat_map(keys).collect();
        let mut next = self.clone();
        next.pools.assign(&pools, |place| is_idle(self.memory.pools, place))?;
        next.servers.assign(&servers, |place| is_idle(self.memory.servers, place))?;
        *self = next;
        Ok(())
    }

    /// Counts the servers of pools that have others now.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn change(&mut self, now: &[Members]) -> Result<(), PlacesFull> {
        let others = self.servers.keys();
        let stay = others.filter(|(pool, ..)| !now.iter().any(|members| members.pool == *pool));
        let servers: Vec<_> = stay.cloned().chain(now.iter().flat_map(keys)).collect();
        self.servers.assign(&servers, |place| is_idle(self.memory.servers, place))
    }

    /// The cell of a pool.
    pub(super) fn pool(&self, name: &Name) -> Option<Place> {
        self.pools.of(name)
    }

    /// The cell of a server.
    pub(super) fn server(&self, pool: &Name, name: &Name, address: SocketAddr) -> Option<Place> {
        self.servers.of(&(pool.clone(), name.clone(), address))
    }
}

fn keys(members: &Members) -> impl Iterator<Item = (Name, Name, SocketAddr)> {
    let of = |member: &super::message::Member| {
        (members.pool.clone(), member.name.clone(), member.address)
    };
    members.members.iter().map(of)
}

fn is_idle(cells: &[Cell], place: Place) -> bool {
    cells.get(usize::from(place.0)).is_some_and(|cell| cell.held() == 0 && cell.waiting() == 0)
}
