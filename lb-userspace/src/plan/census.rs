//! A census of the flow table, for schedulers that count: XDP counts connections up and down, but nobody tells
//! it when a silent one has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lb_common::{
    abi::{FlowKey, Note, NoteState},
    track::{CLOSING, RESET},
};

const SECOND: u64 = 1_000_000_000;
/// For how long a silent connection is one (nanoseconds). LVS: `ipvsadm --set`.
const ESTABLISHED: u64 = 15 * 60 * SECOND;
/// The same for one that only its SYN is known of.
const UNCONFIRMED: u64 = 60 * SECOND;

/// A pool whose notes hold: its scheduler counts, or its transition window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotedPool {
    /// Its number.
    pub number: u32,
    /// For how long a silent flow keeps its real server's number from going to another one.
    pub patience: Duration,
}

/// A real server: the pool's number, and its own within it.
pub type RealNumber = (u32, u16);

/// What the notes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Active and inactive connections.
    pub loads: BTreeMap<RealNumber, (u32, u32)>,
    /// Real servers that a live note names, be it a flow's or a client's.
    pub named: BTreeSet<RealNumber>,
}

impl Census {
    /// Looks at `notes` at `now` (nanoseconds of `CLOCK_MONOTONIC`). `pools` are those that count, by the
    /// number of their window: what it does not have is void, or does not count. `idle` says for how long a
    /// flow of datagrams is one (nanoseconds); `None` for connections.
    #[must_use]
    pub fn of(
        notes: impl Iterator<Item = (FlowKey, Note)>,
        now: u64,
        pools: &BTreeMap<u32, NotedPool>,
        idle: impl Fn(&FlowKey) -> Option<u64>,
    ) -> Self {
        let mut census = Self::default();
        for (key, note) in notes {
            let Some(pool) = pools.get(&note.window) else { continue };
            let (real, age) = ((pool.number, note.real), now.saturating_sub(note.seen));
            let patience = u64::try_from(pool.patience.as_nanos()).unwrap_or(u64::MAX);
            if age <= life(&note, patience) {
                census.named.insert(real);
            }
            // Notes of clients carry no ports: their connections count.
            if key.client_port == 0 && key.vip_port == 0 {
                continue;
            }
            let idle = idle(&key);
            if age > idle.unwrap_or_else(|| life(&note, ESTABLISHED)) {
                continue;
            }
            let (active, inactive) = census.loads.entry(real).or_default();
            if idle.is_some() || note.state == NoteState::Confirmed as u8 {
                *active += 1;
            } else {
                *inactive += 1;
            }
        }
        census
    }
}

/// Confirmed connections that have been seen within their pool's patience, by real server; `pools` as above.
#[must_use]
pub fn connections_left(
    notes: impl Iterator<Item = (FlowKey, Note)>,
    now: u64,
    pools: &BTreeMap<u32, NotedPool>,
) -> BTreeMap<RealNumber, u64> {
    let mut left = BTreeMap::new();
    for (key, note) in notes {
        let Some(pool) = pools.get(&note.window) else { continue };
        let age = u128::from(now.saturating_sub(note.seen));
        let connection = key.client_port != 0 || key.vip_port != 0;
        let confirmed = note.state == NoteState::Confirmed as u8;
        if connection && confirmed && age <= pool.patience.as_nanos() {
            *left.entry((pool.number, note.real)).or_default() += 1;
        }
    }
    left
}

/// For how long a note holds after its flow was seen last.
const fn life(note: &Note, established: u64) -> u64 {
    match note.state {
        0 => UNCONFIRMED,
        1 => established,
        2 => CLOSING,
        _ => RESET,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: u64 = 100_000 * SECOND;
    const WINDOW: u32 = 7;

    fn key(client_port: u16, protocol: u32) -> FlowKey {
        let vip_port = if client_port == 0 { 0 } else { 80 };
        let (client, vip) = (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::new(10, 0, 0, 1).into());
        FlowKey { client, vip, client_port, vip_port, protocol }
    }

    fn note(real: u16, state: NoteState, age: u64) -> Note {
        Note::new(real, WINDOW, state, NOW - age * SECOND)
    }

    fn census(notes: &[(FlowKey, Note)]) -> Census {
        let pool = NotedPool { number: 3, patience: Duration::from_secs(3_600) };
        let idle = |key: &FlowKey| (key.protocol == 17).then_some(30 * SECOND);
        Census::of(notes.iter().copied(), NOW, &BTreeMap::from([(WINDOW, pool)]), idle)
    }

    #[test]
    fn each_state_counts_for_as_long_as_it_lasts() {
        for (protocol, state, last, counted) in [
            (6, NoteState::Unconfirmed, 60, (0, 1)),
            (6, NoteState::Confirmed, 900, (1, 0)),
            (6, NoteState::Closing, 120, (0, 1)),
            (6, NoteState::Reset, 10, (0, 1)),
            (17, NoteState::Unconfirmed, 30, (1, 0)),
            (17, NoteState::Confirmed, 30, (1, 0)),
        ] {
            let at = |age| census(&[(key(1, protocol), note(5, state, age))]).loads;
            let expected = BTreeMap::from([((3, 5), counted)]);
            assert_eq!((at(0), at(last)), (expected.clone(), expected), "{protocol} {state:?}");
            assert_eq!(at(last + 1), BTreeMap::new(), "{protocol} {state:?}");
        }
    }

    #[test]
    fn each_real_server_has_its_own() {
        let notes = [
            (key(1, 6), note(1, NoteState::Confirmed, 0)),
            (key(2, 6), note(1, NoteState::Confirmed, 0)),
            (key(3, 6), note(1, NoteState::Unconfirmed, 0)),
            (key(4, 6), note(2, NoteState::Reset, 0)),
        ];
        assert_eq!(census(&notes).loads, BTreeMap::from([((3, 1), (2, 1)), ((3, 2), (0, 1))]));
    }

    #[test]
    fn a_note_of_another_window_is_void() {
        let void = Note { window: WINDOW - 1, ..note(1, NoteState::Confirmed, 0) };
        assert_eq!(census(&[(key(1, 6), void)]), Census::default());
    }

    #[test]
    fn a_client_is_no_connection_but_holds_its_real_server() {
        let census = census(&[(key(0, 0), note(4, NoteState::Confirmed, 0))]);
        assert_eq!((census.loads.len(), census.named), (0, BTreeSet::from([(3, 4)])));
    }

    #[test]
    fn what_is_left_are_confirmed_connections() {
        let left = |key, note| {
            let pool = NotedPool { number: 3, patience: Duration::from_secs(60) };
            let pools = BTreeMap::from([(WINDOW, pool)]);
            connections_left([(key, note)].into_iter(), NOW, &pools)
        };
        let (one, none) = (BTreeMap::from([((3, 1), 1)]), BTreeMap::new());
        assert_eq!(left(key(1, 6), note(1, NoteState::Confirmed, 60)), one);
        assert_eq!(left(key(1, 6), note(1, NoteState::Confirmed, 61)), none);
        assert_eq!(left(key(0, 0), note(1, NoteState::Confirmed, 0)), none);
        for state in [NoteState::Unconfirmed, NoteState::Closing, NoteState::Reset] {
            assert_eq!(left(key(1, 6), note(1, state, 0)), none, "{state:?}");
        }
    }

    #[test]
    fn a_silent_connection_holds_its_number_longer_than_it_counts() {
        let at = |age| census(&[(key(1, 6), note(1, NoteState::Confirmed, age))]);
        assert_eq!((at(3_600).loads.len(), at(3_600).named.len()), (0, 1));
        assert_eq!(at(3_601), Census::default());
    }
}
