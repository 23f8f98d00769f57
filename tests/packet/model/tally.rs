//! How often each rule was met: what was never met was never compared.

use std::{collections::BTreeMap, fmt};

use super::{notes::Table, rings::Brought, scheduling::Scheduler, services::Service};

/// A rule of the model, as one packet meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// A change of the pool.
    Changed(Brought),
    /// The slot has not moved: the ring in force, and nothing noted.
    NotMoved,
    /// A datagram for itself.
    Stateless,
    /// An error about a flow, or a fragment that shows no ports.
    NothingLearnt,
    /// Confirmed: anything else.
    GoesOn,
    /// Confirmed: SYN.
    SpoofedBegin,
    /// Confirmed: FIN.
    Ends,
    /// Confirmed: RST.
    IsReset,
    /// Closing: anything else.
    HalfClosed,
    /// Reset: anything else.
    BlindReset,
    /// Closing or reset: SYN.
    PortsUsedAgain,
    /// Closing or reset, and silent for long enough.
    Over,
    /// The noted real server is gone: SYN over a note; true: an unconfirmed one.
    LostBegins(bool),
    /// The noted real server is gone: anything else; true: over an unconfirmed note.
    LostGoesOn(bool),
    /// Unconfirmed: SYN.
    Retransmission,
    /// Unconfirmed: RST.
    RefusedAtOnce,
    /// Unconfirmed: anything else.
    Answer,
    /// No note: SYN.
    NewConnection,
    /// No note: SYN while a flood is on.
    NewInFlood,
    /// No note: anything else.
    Older,
    /// The same while a flood is on.
    OlderInFlood,
    /// No note: RST.
    OlderReset,
    /// No note, and base's real server is gone.
    OlderLost,
    /// What stays is noted. Here and below: true for clients, false for flows of datagrams.
    Stays(bool),
    /// Its note is older than the timeout.
    SilentTooLong(bool),
    /// The noted real server does not take it any more.
    NotedTakesNone(bool),
    /// Not noted, soon after a change.
    StaysAtBase(bool),
    /// Not noted, and longer ago or base takes none.
    MovesToCurrent(bool),
    /// What is new goes where a scheduler says that counts.
    Picked(Scheduler),
    /// Connections were counted anew; true: some had ended in silence.
    CountedAnew(bool),
    /// The end of a window was put off.
    Held,
    /// A window was over.
    Closed,
    /// The same though active flows are moved by it: the longest time is over.
    ClosedAtLast,
    /// A full table has forgotten a note.
    Forgotten(Table),
    /// It goes by what was forgotten less than a second ago.
    AtHand,
}

impl Rule {
    /// All of them.
    pub(super) const ALL: [Self; 50] = [
        Self::Changed(Brought::Ring),
        Self::Changed(Brought::Window),
        Self::Changed(Brought::Overlap),
        Self::Changed(Brought::Counted),
        Self::Changed(Brought::Uncounted),
        Self::NotMoved,
        Self::Stateless,
        Self::NothingLearnt,
        Self::GoesOn,
        Self::SpoofedBegin,
        Self::Ends,
        Self::IsReset,
        Self::HalfClosed,
        Self::BlindReset,
        Self::PortsUsedAgain,
        Self::Over,
        Self::LostBegins(false),
        Self::LostBegins(true),
        Self::LostGoesOn(false),
        Self::LostGoesOn(true),
        Self::Retransmission,
        Self::RefusedAtOnce,
        Self::Answer,
        Self::NewConnection,
        Self::NewInFlood,
        Self::Older,
        Self::OlderInFlood,
        Self::OlderReset,
        Self::OlderLost,
        Self::Stays(false),
        Self::Stays(true),
        Self::SilentTooLong(false),
        Self::SilentTooLong(true),
        Self::NotedTakesNone(false),
        Self::NotedTakesNone(true),
        Self::StaysAtBase(false),
        Self::StaysAtBase(true),
        Self::MovesToCurrent(false),
        Self::MovesToCurrent(true),
        Self::Picked(Scheduler::Rr),
        Self::Picked(Scheduler::Wrr),
        Self::Picked(Scheduler::Lc),
        Self::Picked(Scheduler::Wlc),
        Self::Picked(Scheduler::Sed),
        Self::Picked(Scheduler::Nq),
        Self::CountedAnew(false),
        Self::CountedAnew(true),
        Self::Held,
        Self::Closed,
        Self::ClosedAtLast,
    ];
    /// Those of full tables.
    pub(super) const CROWDED: [Self; 3] =
        [Self::Forgotten(Table::Small), Self::Forgotten(Table::Large), Self::AtHand];
}

/// How often each rule was met, and how many packets of each service were in a moved slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    rules: BTreeMap<Rule, u64>,
    moved: BTreeMap<Service, u64>,
}

/// One line for the rules, one for the services.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rules met: {:?}\npackets in moved slots: {:?}", self.rules, self.moved)
    }
}

impl Tally {
    pub(super) fn met(&mut self, rule: Rule) {
        *self.rules.entry(rule).or_default() += 1;
    }

    /// A packet of a service was in a moved slot.
    pub(super) fn moved(&mut self, service: Service) {
        *self.moved.entry(service).or_default() += 1;
    }

    /// Adds another tally.
    pub(super) fn add(&mut self, other: &Self) {
        for (rule, times) in &other.rules {
            *self.rules.entry(*rule).or_default() += times;
        }
        for (service, packets) in &other.moved {
            *self.moved.entry(*service).or_default() += packets;
        }
    }

    /// Each of these rules was met so often, at least.
    pub(super) fn assert_met(&self, rules: &[Rule], times: u64) {
        for rule in rules {
            let met = self.rules.get(rule).copied().unwrap_or_default();
            assert!(met >= times, "{rule:?} was met {met} times\n{self}");
        }
    }

    /// Every service had so many packets in moved slots, at least.
    pub(super) fn assert_moved(&self, packets: u64) {
        for service in Service::ALL {
            let moved = self.moved.get(&service).copied().unwrap_or_default();
            assert!(moved >= packets, "{service:?}: {moved} packets in moved slots\n{self}");
        }
    }
}
