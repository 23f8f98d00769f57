//! Every row of the table of [`super`], over plain collections.

mod lately;
mod memory;

use super::*;
use crate::{
    abi::{Address, Service},
    flow::Flow,
};
use NoteState::{Closing, Confirmed, Reset, Unconfirmed};
use Segment::{Fin, Other, Rst, Syn};
use memory::Memory;

/// The real servers of the rows.
const BASE: u16 = 1;
const CURRENT: u16 = 2;
const NOTED: u16 = 3;
const ALL: &[u16] = &[BASE, CURRENT, NOTED];
/// The window that is open.
const WINDOW: u32 = 5;
const NOW: u64 = 1_000 * SECOND;

const KEY: FlowKey = FlowKey {
    client: Address { bytes: [1; 16] },
    vip: Address { bytes: [2; 16] },
    client_port: 3,
    vip_port: 4,
    protocol: 6,
};

/// A packet of the flow.
fn flow(segment: Segment) -> Flow {
    let flow = Flow {
        client: KEY.client.halves(),
        vip: KEY.vip.halves(),
        ports: u32::from_ne_bytes([0, 3, 0, 4]),
        protocol: 6,
        segment,
    };
    assert_eq!(flow.key(), KEY);
    flow
}

const SEGMENTS: [Segment; 4] = [Syn, Rst, Fin, Other];

/// What is noted of the flow: by state, at which real server, and how many seconds ago it was seen. What is
/// noted at base stands in the table of new flows, as what one packet can make does.
type Noted = Option<(NoteState, u16, u64)>;

/// One row: note, packet, where it goes, what is noted then.
struct Row {
    what: &'static str,
    note: Noted,
    usable: &'static [u16],
    segment: Segment,
    to: (u16, Origin),
    then: Noted,
}

const fn row(
    what: &'static str,
    note: Noted,
    usable: &'static [u16],
    segment: Segment,
    to: (u16, Origin),
    then: Noted,
) -> Row {
    Row { what, note, usable, segment, to, then }
}

const TO_NOTED: (u16, Origin) = (NOTED, Origin::Note);
const TO_CURRENT: (u16, Origin) = (CURRENT, Origin::Current);
const TO_BASE: (u16, Origin) = (BASE, Origin::Base);
const LOST: &[u16] = &[BASE, CURRENT];
const fn noted(state: NoteState, ago: u64) -> Noted {
    Some((state, NOTED, ago))
}
/// The note of a connection that begins now.
const NEW: Noted = Some((Unconfirmed, CURRENT, 0));

const ROWS: &[Row] = &[
    row("a spoofed SYN", noted(Confirmed, 9), ALL, Syn, TO_NOTED, noted(Confirmed, 9)),
    row("an ACK", noted(Confirmed, 9), ALL, Other, TO_NOTED, noted(Confirmed, 0)),
    row("an ACK soon after", noted(Confirmed, 1), ALL, Other, TO_NOTED, noted(Confirmed, 1)),
    row("a FIN soon after", noted(Confirmed, 1), ALL, Fin, TO_NOTED, noted(Closing, 0)),
    row("a RST", noted(Confirmed, 9), ALL, Rst, TO_NOTED, noted(Reset, 0)),
    row("a download behind a FIN", noted(Closing, 120), ALL, Other, TO_NOTED, noted(Closing, 0)),
    row("a RST behind a FIN", noted(Closing, 9), ALL, Rst, TO_NOTED, noted(Reset, 0)),
    row("traffic behind a RST", noted(Reset, 9), ALL, Other, TO_NOTED, noted(Confirmed, 0)),
    row("a FIN behind a RST", noted(Reset, 9), ALL, Fin, TO_NOTED, noted(Closing, 0)),
    row("the ports again, after FIN", noted(Closing, 9), ALL, Syn, TO_CURRENT, NEW),
    row("the ports again, after RST", noted(Reset, 9), ALL, Syn, TO_CURRENT, NEW),
    row("a FIN long ago", noted(Closing, 121), ALL, Other, TO_BASE, Some((Confirmed, BASE, 0))),
    row("a RST long ago", noted(Reset, 11), ALL, Other, TO_BASE, Some((Confirmed, BASE, 0))),
    row("confirmed, lost: SYN", noted(Confirmed, 9), LOST, Syn, TO_CURRENT, NEW),
    row("confirmed, lost: ACK", noted(Confirmed, 9), LOST, Other, TO_CURRENT, noted(Confirmed, 9)),
    row("confirmed, lost: RST", noted(Confirmed, 9), LOST, Rst, TO_CURRENT, noted(Confirmed, 9)),
    row("a retransmission", noted(Unconfirmed, 9), ALL, Syn, TO_NOTED, noted(Unconfirmed, 9)),
    row("the answer to SYN-ACK", noted(Unconfirmed, 9), ALL, Other, TO_NOTED, noted(Confirmed, 0)),
    row("a FIN at once", noted(Unconfirmed, 9), ALL, Fin, TO_NOTED, noted(Closing, 0)),
    row("a RST at once", noted(Unconfirmed, 9), ALL, Rst, TO_NOTED, noted(Unconfirmed, 9)),
    row("unconfirmed, lost: SYN", noted(Unconfirmed, 9), LOST, Syn, TO_CURRENT, NEW),
    row(
        "unconfirmed, lost: ACK",
        noted(Unconfirmed, 9),
        LOST,
        Other,
        TO_CURRENT,
        noted(Unconfirmed, 9),
    ),
    row("a new connection", None, ALL, Syn, TO_CURRENT, NEW),
    row("a new connection, all lost", None, &[], Syn, TO_CURRENT, NEW),
    row("an older flow", None, ALL, Other, TO_BASE, Some((Confirmed, BASE, 0))),
    row("an older flow ends", None, ALL, Fin, TO_BASE, Some((Closing, BASE, 0))),
    row("an older flow's RST", None, ALL, Rst, TO_BASE, None),
    row("an older flow, base lost", None, &[CURRENT], Other, TO_CURRENT, None),
    row("an older flow's FIN, base lost", None, &[CURRENT], Fin, TO_CURRENT, None),
];

fn remember(memory: &Memory, note: Noted, window: u32) {
    if let Some((state, real, ago)) = note {
        let note = Note::new(real, window, state, NOW - ago * SECOND);
        match state {
            _ if real == BASE => assert!(memory.note_new_flow(&KEY, &note)),
            Unconfirmed => assert!(memory.note_new_flow(&KEY, &note)),
            Confirmed | Closing | Reset => memory.note_flow(&KEY, &note),
        }
    }
}

#[test]
fn every_row_of_the_table() {
    for row in ROWS {
        let memory = Memory::new(row.usable);
        remember(&memory, row.note, WINDOW);
        assert_eq!(memory.sees(row.segment, true), row.to, "{}: where it goes", row.what);
        let then = Memory::new(row.usable);
        remember(&then, row.then, WINDOW);
        // Whether it was seen again has a test of its own.
        memory.flows.borrow_mut().values_mut().for_each(|note| note.again = 0);
        // What has ended is as good as gone.
        memory.flows.borrow_mut().retain(|_, note| !ended(note, NOW));
        assert_eq!(memory, then, "{}: what is noted", row.what);
    }
}

/// Every note there can be, every set of usable real servers, every segment.
fn everything(mut check: impl FnMut(&Memory, Noted, Segment)) {
    let states = [Unconfirmed, Confirmed, Closing, Reset].into_iter();
    let notes = states.flat_map(|state| [0, 9, 11, 121].map(|ago| noted(state, ago)));
    for note in notes.chain([None]) {
        for set in 0..8_u8 {
            let usable: Vec<_> = ALL.iter().copied().filter(|n| set & 1 << (n - 1) != 0).collect();
            for segment in SEGMENTS {
                check(&Memory::new(&usable), note, segment);
            }
        }
    }
}

#[test]
fn nothing_is_learnt_from_errors_and_traces() {
    everything(|memory, note, segment| {
        remember(memory, note, WINDOW);
        let before = memory.clone();
        let answer = memory.sees(segment, false);
        assert_eq!(*memory, before, "{note:?} {segment:?}");
        assert_eq!(memory.sees(segment, true), answer, "{note:?} {segment:?}");
    });
}

#[test]
fn notes_of_another_window_are_void() {
    everything(|memory, note, segment| {
        let fresh = memory.clone();
        remember(memory, note, WINDOW - 1);
        let answer = memory.sees(segment, true);
        assert_eq!(answer, fresh.sees(segment, true), "{note:?} {segment:?}");
        // And the next packet sees what was noted just now.
        assert_eq!(memory.sees(Other, true), fresh.sees(Other, true), "{note:?} {segment:?}");
    });
}

#[test]
fn only_new_flows_reach_what_is_not_usable() {
    everything(|memory, note, segment| {
        remember(memory, note, WINDOW);
        let (real, _) = memory.sees(segment, true);
        assert!(real == CURRENT || memory.usable.contains(&real), "{note:?} {segment:?}");
    });
}

#[test]
fn a_flow_stays_where_its_first_packet_went() {
    everything(|memory, note, segment| {
        remember(memory, note, WINDOW);
        let (first, origin) = memory.sees(segment, true);
        // A lost real server's flows wait for its return, and a RST begins nothing.
        let waits = origin == Origin::Current && segment != Syn;
        if !memory.usable.contains(&first) || waits {
            return;
        }
        for next in [Other, Fin, Other, Rst, Other] {
            let (real, _) = memory.sees(next, true);
            assert_eq!(real, first, "{note:?} {segment:?} {next:?}");
        }
    });
}

#[test]
fn traffic_takes_back_a_rst_even_behind_a_fin() {
    let memory = Memory::new(ALL);
    remember(&memory, noted(Confirmed, 9), WINDOW);
    for (segment, state) in [(Fin, Closing), (Rst, Reset), (Other, Confirmed)] {
        assert_eq!(memory.sees(segment, true), TO_NOTED, "{segment:?}");
        let states: Vec<_> = memory.flows.borrow().values().map(|note| note.state).collect();
        assert_eq!(states, [state as u8], "{segment:?}");
    }
}

#[test]
fn ports_are_used_again_long_after_a_fin() {
    let memory = Memory::new(ALL);
    remember(&memory, noted(Closing, 121), WINDOW);
    assert_eq!(memory.sees(Syn, true), TO_CURRENT);
    assert_eq!(memory.sees(Other, true), (CURRENT, Origin::Note));
    let now_noted = memory.flow(&KEY).map(|note| (note.real, note.state));
    assert_eq!(now_noted, Some((CURRENT, Confirmed as u8)));
    assert_eq!(memory.new_flow(&KEY), None);
}

#[test]
fn survivors_come_back() {
    let mut memory = Memory::new(ALL);
    remember(&memory, noted(Confirmed, 0), WINDOW);
    memory.usable.remove(&NOTED);
    assert_eq!(memory.sees(Other, true), TO_CURRENT);
    memory.usable.insert(NOTED);
    assert_eq!(memory.sees(Other, true), TO_NOTED);
}

#[test]
fn a_half_closed_download_lives_as_long_as_it_sends() {
    let memory = Memory::new(ALL);
    remember(&memory, noted(Confirmed, 0), WINDOW);
    memory.sees(Fin, true);
    for _ in 0..10 {
        memory.now.set(memory.now() + CLOSING);
        assert_eq!(memory.sees(Other, true), TO_NOTED);
    }
    memory.now.set(memory.now() + CLOSING + 1);
    assert_eq!(memory.sees(Other, true), TO_BASE);
}

/// Where a client of a sticky service goes, on a clock that the test moves.
struct Sticky {
    memory: Memory,
    service: Service,
}

impl Sticky {
    /// A change at [`NOW`]; clients stay for 60 s.
    fn new(ports: bool) -> Self {
        let service = Service {
            flags: Service::flags(if ports { Service::PORTS } else { 0 } | Service::TRACKED, 60),
            ..Service::default()
        };
        Self { memory: Memory { changed: NOW, ..Memory::new(ALL) }, service }
    }

    fn at(&self, seconds: u64, segment: Segment) -> (u16, Origin) {
        self.memory.now.set(NOW + seconds * SECOND);
        self.memory.goes(&self.service, segment, true)
    }
}

#[test]
fn a_client_stays_until_it_has_been_silent() {
    let sticky = Sticky::new(false);
    assert_eq!(sticky.at(60, Syn), (BASE, Origin::Base), "the change is not longer ago");
    assert_eq!(sticky.at(119, Syn).0, BASE, "59 s after its last connection");
    sticky.memory.flows.borrow_mut().retain(|key, _| key.protocol == 0);
    sticky.memory.new_flows.borrow_mut().clear();
    assert_eq!(sticky.at(200, Syn), (CURRENT, Origin::Current), "81 s after it");
    let stranger = Sticky::new(false);
    assert_eq!(stranger.at(61, Syn), (CURRENT, Origin::Current), "the change is long ago");
}

#[test]
fn a_flow_of_datagrams_stays_until_it_has_been_silent() {
    let sticky = Sticky::new(true);
    for seconds in [0, 30, 60, 120, 180, 239] {
        assert_eq!(sticky.at(seconds, Segment::Datagram).0, BASE, "{seconds} s");
    }
    assert_eq!(sticky.at(300, Segment::Datagram), (CURRENT, Origin::Current));
    assert_eq!(sticky.at(301, Segment::Datagram), (CURRENT, Origin::Note));
}

#[test]
fn clients_are_told_apart_by_mask_and_flows_by_ports() {
    let one = Sticky::new(false).service;
    let other = Flow { ports: 9, protocol: 17, ..flow(Syn) };
    let all = Service { source_mask: [u64::MAX; 2], ..one };
    assert_eq!(flow(Syn).sticky_key(&all), other.sticky_key(&all));
    assert_ne!(flow(Syn).sticky_key(&all), flow(Syn).key());
    let flows = Service { flags: Service::flags(Service::PORTS | Service::TRACKED, 60), ..all };
    assert_ne!(flow(Syn).sticky_key(&flows), other.sticky_key(&flows));
    assert_eq!(flow(Syn).sticky_key(&flows), flow(Syn).key());
}

#[test]
fn a_syn_that_cannot_be_noted_stays_with_its_ack() {
    let full = Memory { full: true, ..Memory::new(ALL) };
    assert_eq!(full.sees(Syn, true), (BASE, Origin::Base));
    assert_eq!(full.sees(Other, true).0, BASE);
    let full = Memory { full: true, ..Memory::new(&[CURRENT]) };
    assert_eq!(full.sees(Syn, true), (CURRENT, Origin::Current));
}

/// Directors that have this note, in one table and in the other.
fn noted_somewhere(usable: &[u16], state: NoteState) -> [Memory; 2] {
    let note = Note::new(NOTED, WINDOW, state, NOW);
    let (flows, new_flows) = (Memory::new(usable), Memory::new(usable));
    flows.note_flow(&KEY, &note);
    assert!(new_flows.note_new_flow(&KEY, &note));
    [flows, new_flows]
}

/// Connections that begin over a note which does not hold any more.
fn begun_again() -> impl Iterator<Item = Memory> {
    let ended = [Closing, Reset].into_iter().flat_map(|state| noted_somewhere(ALL, state));
    let states = [Unconfirmed, Confirmed, Closing].into_iter();
    ended.chain(states.flat_map(|state| noted_somewhere(LOST, state)))
}

#[test]
fn a_connection_that_begins_again_in_a_flood_stays_with_its_ack() {
    let flags = Service::flags(Service::PORTS | Service::TRACKED | Service::FLOOD, 0);
    let service = Service { flags, ..Service::default() };
    for memory in begun_again() {
        assert_eq!(memory.goes(&service, Syn, true), (BASE, Origin::Base), "{memory:?}");
        assert_eq!(memory.goes(&service, Other, true), (BASE, Origin::Base), "{memory:?}");
    }
}

#[test]
fn a_connection_that_nobody_takes_has_not_begun() {
    let flags = Service::flags(Service::PORTS | Service::TRACKED, 0);
    let service = Service { flags, ..Service::default() };
    for memory in begun_again() {
        let before = memory.clone();
        let syn = Tracked::new(&flow(Syn), &service, 0, NO_REAL, true, false);
        assert_eq!(follow(&memory, &syn).get().0, NO_REAL);
        assert_eq!(memory, before);
    }
}

#[test]
fn a_flow_is_seen_again_after_a_second() {
    let memory = Memory::new(ALL);
    let again = |memory: &Memory| memory.flows.borrow()[&KEY].again;
    memory.sees(Other, true);
    memory.sees(Fin, true);
    assert!(memory.flows.borrow().is_empty(), "at once is not again");
    memory.now.set(NOW + 2 * SECOND);
    memory.sees(Other, true);
    assert_eq!(again(&memory), 1);
    memory.sees(Rst, true);
    assert_eq!(again(&memory), 1, "once seen again, always");
}

#[test]
fn single_packets_of_strangers_fill_the_small_table_alone() {
    for (ports, segment) in [(false, Syn), (false, Other), (true, Segment::Datagram)] {
        let sticky = Sticky::new(ports);
        sticky.at(0, segment);
        sticky.at(1, segment);
        assert!(sticky.memory.flows.borrow().is_empty(), "{segment:?}");
        assert!(!sticky.memory.new_flows.borrow().is_empty(), "{segment:?}");
    }
    // The ACK of a connection confirms its client, another datagram its flow.
    let sticky = Sticky::new(false);
    sticky.at(0, Syn);
    sticky.at(0, Other);
    assert_eq!(sticky.memory.flows.borrow().len(), 2);
    let sticky = Sticky::new(true);
    sticky.at(0, Segment::Datagram);
    sticky.at(2, Segment::Datagram);
    assert_eq!(sticky.memory.flows.borrow().values().next().map(|note| note.again), Some(1));
}
