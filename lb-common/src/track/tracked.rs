//! A packet of a moved slot on its way through the program: what the XDP program puts down for the function that
//! decides, and the word that comes back.

use core::cell::Cell;

use crate::{
    abi::{FlowKey, FragmentKey, Halves, NO_REAL, Note, Pool, Service, ServiceKey},
    flow::{Flow, Segment},
    verdict::Origin,
};

/// A packet of a moved slot, and all that its way depends on: plain numbers, so that the XDP program can put them
/// down where a function finds them that the verifier looks at by itself. In cells, so that the compiler reads
/// them again after each call instead of keeping copies on a stack that has no room for them.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Tracked {
    pub(super) client: Cell<Halves>,
    pub(super) vip: Cell<Halves>,
    pub(super) source_mask: Cell<[u64; 2]>,
    pub(super) hash: Cell<u64>,
    pub(super) ports: Cell<u32>,
    pub(super) flags: Cell<u32>,
    pub(super) protocol: Cell<u32>,
    pub(super) segment: Cell<u32>,
    /// The pool's number.
    pub(super) number: Cell<u32>,
    /// The real server of new flows: what the ring in force says.
    pub(super) current: Cell<u32>,
    pub(super) learn: Cell<u32>,
    /// New flows are not for `current`, but for whom the scheduler picks.
    pub(super) counting: Cell<u32>,
    /// Whom the scheduler has picked; [`UNPICKED`] before it was asked, [`WANTED`] where it is to be.
    pub(super) picked: Cell<u32>,
}

/// What is found out first. Not in [`Tracked`]: nobody has to clear it, which costs a call that goes byte by byte.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub(super) now: Cell<u64>,
    pub(super) pool: Cell<Pool>,
    /// The real server of flows that are older than the change.
    pub(super) base: Cell<u32>,
    /// The flow in one word ([`crate::flow_hash::HashKeys::whole_flow`]).
    pub(super) whole: Cell<u64>,
    /// Zero.
    pub(super) zero: u32,
}

/// See [`Tracked::picked`].
pub(super) const UNPICKED: u32 = 1 << 16;
pub(super) const WANTED: u32 = 2 << 16;

/// What the XDP program puts down while it decides: its stack has 512 bytes, functions it calls included.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Room {
    /// A packet of a moved slot.
    pub tracked: Tracked,
    /// What is known of it.
    pub known: Known,
    /// The flow, or the client, that is looked up.
    pub flow: FlowKey,
    /// Its note.
    pub note: Note,
    /// A fragment.
    pub fragment: FragmentKey,
    /// The service, or the address, that is looked up.
    pub service: ServiceKey,
    /// Zero.
    pub zero: u32,
}

impl Tracked {
    /// A packet of `flow`, for `service`, whose slot belongs to `current` by the ring in force. `learn` is false
    /// for packets that must not change anything (ICMP errors, traces); `counting` is true where the scheduler
    /// picks the real server of a new connection.
    #[inline(always)]
    #[must_use]
    pub fn new(
        flow: &Flow,
        service: &Service,
        hash: u64,
        current: u16,
        learn: bool,
        counting: bool,
    ) -> Self {
        Self {
            client: Cell::new(flow.client),
            vip: Cell::new(flow.vip),
            source_mask: Cell::new(service.source_mask),
            hash: Cell::new(hash),
            ports: Cell::new(flow.ports),
            flags: Cell::new(service.flags),
            protocol: Cell::new(u32::from(flow.protocol)),
            segment: Cell::new(flow.segment.at(service) as u32),
            number: Cell::new(u32::from(service.pool)),
            current: Cell::new(u32::from(current)),
            learn: Cell::new(u32::from(learn)),
            counting: Cell::new(u32::from(counting)),
            picked: Cell::new(UNPICKED),
        }
    }

    /// The number of the pool whose scheduler has to pick, after which the packet is decided on again: [`track()`]
    /// has changed nothing.
    #[inline(always)]
    #[must_use]
    pub fn wants(&self) -> Option<u32> {
        (self.picked.get() == WANTED).then(|| self.number.get())
    }

    /// What the scheduler has picked.
    #[inline(always)]
    pub fn give(&self, picked: Option<u16>) {
        self.picked.set(u32::from(picked.unwrap_or(NO_REAL)));
        self.learn.set(1);
    }

    #[inline(always)]
    pub(super) fn flow(&self) -> Flow {
        let [protocol, ..] = self.protocol.get().to_le_bytes();
        Flow {
            client: self.client.get(),
            vip: self.vip.get(),
            ports: self.ports.get(),
            protocol,
            segment: self.segment(),
        }
    }

    #[inline(always)]
    pub(super) const fn segment(&self) -> Segment {
        Segment::from_number(self.segment.get())
    }

    /// What of the service its way depends on.
    #[inline(always)]
    pub(super) fn service(&self) -> Service {
        let (source_mask, flags) = (self.source_mask.get(), self.flags.get());
        Service { source_mask, flags, ..Service::default() }
    }
}

/// The real server of a number that a cell holds.
#[inline(always)]
pub(super) const fn real(number: &Cell<u32>) -> u16 {
    let [a, b, ..] = number.get().to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// Where a packet goes: a real server, and what told it. One word, because functions of BPF programs return
/// no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way(pub u32);

impl Way {
    /// To nobody.
    pub const LOST: Self = Self(NO_REAL as u32);

    #[inline(always)]
    pub(super) const fn new((real, origin): (u16, Origin)) -> Self {
        Self(real as u32 | (origin as u32) << 16)
    }

    /// The real server and what told it.
    #[inline(always)]
    #[must_use]
    pub const fn get(self) -> (u16, Origin) {
        let [a, b, origin, _] = self.0.to_le_bytes();
        (u16::from_le_bytes([a, b]), Origin::from_number(origin))
    }
}
