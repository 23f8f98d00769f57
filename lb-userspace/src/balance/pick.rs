//! Whom the next request goes to, by the pool's algorithm. One for each thread and pool.

mod turns;

use std::{cmp::Reverse, sync::Arc};

use self::turns::Turns;
use super::{
    server::{Algorithm, LoadFactor, Place, Server},
    snapshot::Snapshot,
};

/// What a server has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Connections that it has.
    pub held: u32,
    /// Requests that wait for it.
    pub waiting: u32,
}

impl Load {
    const fn all(self) -> u64 {
        self.held as u64 + self.waiting as u64
    }
}

/// Where loads are looked up.
pub trait Loads {
    /// What this server has to do.
    fn load(&self, place: Place) -> Load;
}

/// What a request brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// For [`Algorithm::Hashed`]; without a key (no such header) it goes in turns.
    pub key: Option<u64>,
    /// The server that it has just failed at: another one, if there is one.
    pub avoid: Option<Place>,
    /// Any number, for [`Algorithm::Random`].
    pub random: u64,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// To this server, which has room.
    Go(Place),
    /// To this server as soon as it has room: the key wants it.
    WaitFor(Place),
    /// To whoever has room first.
    WaitForAny,
    /// To nobody: there is no server.
    Nobody,
}

/// Chooses for one thread.
#[derive(Clone, Debug)]
pub struct Balancer {
    snapshot: Arc<Snapshot>,
    turns: Turns,
    /// Who is looked at first when all are alike.
    first: usize,
}

impl Balancer {
    /// `seed` is another one for each thread: they do not all begin with the same server.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, seed: u64) -> Self {
        let mut turns = Turns::new(seed);
        turns.change(&snapshot);
        let first = usize::try_from(seed % 1_024).unwrap_or(0);
        Self { snapshot, turns, first }
    }

    /// The pool from now on. Turns go on where they were.
    pub fn change(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = snapshot;
        self.turns.change(&self.snapshot);
    }

    /// The pool as it is.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Whom this request goes to.
    pub fn pick(&mut self, request: &Request, loads: &impl Loads) -> Pick {
        let snapshot = Arc::clone(&self.snapshot);
        if snapshot.total() == 0 {
            return Pick::Nobody;
        }
        // Only where there are others.
        let others = snapshot.open().any(|server| Some(server.place) != request.avoid);
        let avoid = request.avoid.filter(|_| others);
        let fits = |server: &Server| Some(server.place) != avoid;
        let free = |server: &Server| fits(server) && has_room(server, loads);
        let found = match (snapshot.algorithm(), request.key) {
            (Algorithm::Hashed { bound }, Some(key)) => {
                return by_key(&snapshot, key, bound, fits, loads);
            }
            (Algorithm::RoundRobin | Algorithm::Hashed { .. }, _) => {
                self.turns.next(&snapshot, free)
            }
            (Algorithm::LeastConnections, _) => self.least(&snapshot, free, loads),
            (Algorithm::Random, _) => {
                let two = [request.random, request.random.rotate_left(32) ^ 0x9e37_79b9];
                let drawn = two.iter().filter_map(|random| snapshot.draw(*random));
                let best = drawn.filter(|server| free(server));
                let best = best.min_by_key(|server| Pressure::of(server, loads));
                // Neither will do: somebody will.
                let best = best.map(|server| server.place);
                best.or_else(|| self.least(&snapshot, free, loads))
            }
            (Algorithm::First, _) => snapshot.open().find(|server| free(server)).map(|s| s.place),
        };
        found.map_or(Pick::WaitForAny, Pick::Go)
    }

    /// The fewest connections; of those that are alike, the one behind the last one that was taken.
    fn least(
        &mut self,
        snapshot: &Snapshot,
        free: impl Fn(&Server) -> bool,
        loads: &impl Loads,
    ) -> Option<Place> {
        let count = snapshot.open().len();
        let start = self.first % count.max(1);
        let all = snapshot.open().enumerate().filter(|(_, server)| free(server));
        let (index, server) = all.min_by_key(|(index, server)| {
            (Pressure::of(server, loads), (index + count - start) % count)
        })?;
        self.first = index + 1;
        Some(server.place)
    }
}

/// It takes another one, and nobody has waited longer for that.
fn has_room(server: &Server, loads: &impl Loads) -> bool {
    let load = loads.load(server.place);
    load.waiting == 0 && server.max_connections.is_none_or(|most| load.held < most.get())
}

/// Draws of a key before it takes whoever has the least: with a factor of 125 % one in a thousand needs so many.
const DRAWS: u64 = 32;

fn by_key(
    snapshot: &Snapshot,
    key: u64,
    bound: Option<LoadFactor>,
    fits: impl Fn(&Server) -> bool,
    loads: &impl Loads,
) -> Pick {
    let owners = (0..DRAWS).filter_map(|choice| snapshot.owner(key, choice)).filter(|s| fits(s));
    let Some(bound) = bound else {
        let owner = { owners }.next().or_else(|| snapshot.open().find(|server| fits(server)));
        return owner.map_or(Pick::Nobody, |server| at(server, loads));
    };
    // "Consistent Hashing with Bounded Loads" (Mirrokni, Thorup, Zadimoghaddam, 2016), with draws of the key in place of
    // a walk: what one server cannot take is shared by all others, not by its neighbour.
    let all = snapshot.open().map(|server| loads.load(server.place).all()).sum::<u64>() + 1;
    let within = |server: &&Server| {
        let most = u128::from(all) * u128::from(server.share()) * u128::from(bound.percent());
        let most = most.div_ceil(u128::from(snapshot.total()) * 100);
        u128::from(loads.load(server.place).all()) < most
    };
    let least = || {
        let all = snapshot.open().filter(|server| fits(server));
        all.min_by_key(|server| Pressure::of(server, loads))
    };
    let owner = { owners }.find(within).or_else(least);
    owner.map_or(Pick::Nobody, |server| at(server, loads))
}

fn at(server: &Server, loads: &impl Loads) -> Pick {
    if has_room(server, loads) { Pick::Go(server.place) } else { Pick::WaitFor(server.place) }
}

/// How busy a server is for its weight, as HAProxy counts it: idle servers are alike, others have one more than they have
/// now, divided by the weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pressure(u64, Reverse<u16>);

impl Pressure {
    fn of(server: &Server, loads: &impl Loads) -> Self {
        let share = server.share().max(1);
        match loads.load(server.place).all() {
            0 => Self(0, Reverse(0)),
            busy => Self(((busy + 1) << 16) / u64::from(share), Reverse(share)),
        }
    }
}
