//! A pool as it is at one moment: the same for all threads, made once and never changed.

use std::net::Ipv6Addr;

use lb_common::{
    abi::{Address, NO_REAL},
    flow_hash::split_mix,
    ring,
};

use super::server::{Algorithm, Place, Server};
use crate::model::Backups;

/// Servers of a pool and what follows from their states.
#[derive(Clone, Debug)]
pub struct Snapshot {
    algorithm: Algorithm,
    servers: Vec<Server>,
    /// Who gets requests: indices of `servers`, in their order.
    open: Vec<usize>,
    /// Sums of the shares of `open`, each with those before it.
    sums: Vec<u64>,
    /// Index of the server for each slot; empty where the algorithm needs none.
    ring: Vec<u16>,
}

impl Snapshot {
    /// Of these servers, in the order of the file; those behind the 65,534th do not count.
    ///
    /// The agent has decided who is up (`plan/roster.rs`). Which backups are used is decided here once more, as a worker
    /// may have found out sooner that nobody else is left
    /// ([`Outliers`](crate::health::Outliers)).
    #[must_use]
    pub fn new(mut servers: Vec<Server>, algorithm: Algorithm, backups: Backups) -> Self {
        servers.truncate(usize::from(NO_REAL) - 1);
        let usable = |backup| {
            let these = servers.iter().enumerate();
            let these =
                these.filter(move |(_, server)| server.backup == backup && server.is_usable());
            these.map(|(index, _)| index)
        };
        let mut open: Vec<_> = usable(false).collect();
        let on_backups = open.is_empty();
        if on_backups {
            open = match backups {
                Backups::All => usable(true).collect(),
                Backups::First => usable(true).take(1).collect(),
            };
        }
        let sums = open.iter().scan(0, |sum, &index| {
            *sum += u64::from(servers[index].share());
            Some(*sum)
        });
        let sums = sums.collect();
        let ring = match algorithm {
            Algorithm::Hashed { .. } => slots(&servers, &open, on_backups),
            Algorithm::RoundRobin
            | Algorithm::LeastConnections
            | Algorithm::Random
            | Algorithm::First => Vec::new(),
        };
        Self { algorithm, servers, open, sums, ring }
    }

    /// How a server is chosen.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Who gets requests.
    pub fn open(&self) -> impl ExactSizeIterator<Item = &Server> + Clone {
        self.open.iter().map(|&index| &self.servers[index])
    }

    /// Does this server get requests?
    #[must_use]
    pub fn is_open(&self, place: Place) -> bool {
        self.find(place).is_some()
    }

    /// One that gets requests.
    pub(super) fn find(&self, place: Place) -> Option<&Server> {
        self.open().find(|server| server.place == place)
    }

    /// All shares of those that get requests.
    pub(super) fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// One of them by weight; `random` is any number.
    pub(super) fn draw(&self, random: u64) -> Option<&Server> {
        // The upper half of the product: no division, and no bias that could be measured.
        let at = ((u128::from(random) * u128::from(self.total())) >> u64::BITS) as u64;
        let index = self.sums.partition_point(|sum| *sum <= at);
        self.open.get(index).map(|&index| &self.servers[index])
    }

    /// The server that a key belongs to; its `choice`th one, counted from 0.
    pub(super) fn owner(&self, key: u64, choice: u64) -> Option<&Server> {
        let slots = u32::try_from(self.ring.len()).ok().filter(|slots| *slots > 0)?;
        let hash = if choice == 0 { key } else { split_mix(key.wrapping_add(choice)) };
        let index = self.ring[ring::slot_of(hash, slots) as usize];
        self.servers.get(usize::from(index))
    }
}

/// Maglev's ring of all that could be open, with the slots of those that are not lent to others: so a server that comes
/// back has its keys again, and no other key has moved.
fn slots(servers: &[Server], open: &[usize], on_backups: bool) -> Vec<u16> {
    if open.is_empty() {
        return Vec::new();
    }
    let members: Vec<_> = (0_u16..)
        .zip(servers)
        .filter(|(_, server)| server.backup == on_backups)
        .map(|(number, server)| ring::Member {
            number,
            address: address(server),
            weight: server.share(),
        })
        .collect();
    let ring = ring::build(&members, ring::default_size(members.len()));
    ring::substitute(&ring, |number| open.binary_search(&usize::from(number)).is_ok())
}

/// The place of a server in the ring: by its address and its port, as several may have one address.
fn address(server: &Server) -> Address {
    let [high, low] = Address::from(server.address.ip()).halves().lanes();
    let first = split_mix(split_mix(high ^ u64::from(server.address.port())) ^ low);
    let second = split_mix(first ^ low);
    Ipv6Addr::from(u128::from(first) << u64::BITS | u128::from(second)).into()
}
