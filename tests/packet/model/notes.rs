//! What is remembered of flows and clients, and what of it may be forgotten.

use std::{collections::HashMap, time::Duration};

use super::{
    rings::{Place, Real},
    scheduling::Counts,
    services::{Flow, Service, Stays},
};

/// How far a flow has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Only its beginning was seen.
    Unconfirmed,
    /// The client has answered, or it is older than the change.
    Confirmed,
    /// A FIN was seen.
    Closing,
    /// A RST was seen.
    Reset,
}

impl Stage {
    /// What a connection that has got so far counts as.
    pub(super) fn counts(self) -> Counts {
        if self == Self::Confirmed { Counts::Active } else { Counts::Inactive }
    }
}

/// Where a note stands: a flood of first packets may push out what stands in the small table, but nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// What one packet can make.
    Small,
    /// What was confirmed by another packet.
    Large,
}

/// What is remembered of a flow, or of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) real: Real,
    pub(super) stage: Stage,
    pub(super) seen: Duration,
    pub(super) table: Table,
    /// It was seen again more than a second after the time before.
    pub(super) again: bool,
    /// A packet of its connection went by it, and can do so for a second more if it is forgotten.
    pub(super) at_hand: bool,
    /// Where the flow's hash stands.
    pub(super) place: Place,
}

/// Whom a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whom {
    Flow(Flow),
    /// Clients of one network at a service with persistence, all their ports together.
    Clients(Service, u16),
}

impl Whom {
    /// What of a flow's service stays.
    pub(super) fn stays(flow: Flow, stays: Stays) -> Self {
        if stays.clients {
            Self::Clients(flow.port.service(), flow.client / stays.network)
        } else {
            Self::Flow(flow)
        }
    }
}

/// How many notes each table holds.
pub(super) const CROWDED: usize = 1_024;

/// Everything that is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) all: HashMap<Whom, Note>,
    /// Forgotten, but at hand for the rest of a second after the flow was last seen.
    pub(super) at_hand: HashMap<Whom, Note>,
    /// How many notes were put into each table.
    made: [usize; 2],
}

impl Notes {
    pub(super) fn get(&self, whom: Whom) -> Option<Note> {
        self.all.get(&whom).copied()
    }

    pub(super) fn put(&mut self, whom: Whom, note: Note) {
        let before = self.all.insert(whom, note);
        if before.is_none_or(|before| before.table != note.table) {
            self.made[note.table as usize] += 1;
        }
    }

    pub(super) fn remove(&mut self, whom: Whom) {
        self.all.remove(&whom);
        self.at_hand.remove(&whom);
    }

    /// Notes are of one window.
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.at_hand.clear();
    }

    /// A table has forgotten a note. Which one it is, is its own choice; that it was full, is not. The `first` word
    /// of a client, or of a flow of datagrams, may still stand in the small table: from when that is.
    pub(super) fn forget(&mut self, whom: Whom, first: Option<Duration>) -> Result<Table, String> {
        let Some(note) = self.all.remove(&whom) else { return Err(format!("{whom:?}: no note")) };
        if self.made[note.table as usize] <= CROWDED / 2 {
            return Err(format!("{whom:?} was forgotten, though there was room: {note:?}"));
        }
        if note.at_hand {
            self.at_hand.insert(whom, note);
        }
        if let Some(seen) = first {
            let (stage, table) = (Stage::Unconfirmed, Table::Small);
            self.all.insert(whom, Note { stage, seen, table, again: false, ..note });
        }
        Ok(note.table)
    }
}
