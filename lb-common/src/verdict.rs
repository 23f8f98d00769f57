//! What is done with a packet: the whole decision, over whatever holds the tables.
//!
//! XDP calls [`steer`] on a frame with its maps, `lb trace` calls [`choose`] on a flow with the pinned maps
//! read from outside, tests call either on plain collections.

use core::borrow::Borrow;

use crate::{
    abi::{
        Address, FlowKey, NO_REAL, Note, Pool, Real, RealState, Reason, Service, ServiceKey, Vip,
    },
    decode::{self, Decoded, IpHeader, Kind},
    flow::Flow,
    flow_hash::HashKeys,
    ring,
    track::{Moved, track},
    wire::{ETHERNET, Frame},
};

/// The tables that a decision reads, and the notes that it writes. All methods take `&self`: the maps are
/// shared with other CPUs and with the agent, nobody owns them.
pub trait Tables {
    /// A virtual service: a reference where the table lies in memory, the record where it does not.
    type Service: Borrow<Service>;

    /// The cluster's secret.
    fn keys(&self) -> HashKeys;
    /// Looks up a virtual service.
    fn service(&self, key: &ServiceKey) -> Option<Self::Service>;
    /// Tells whether an address is a VIP.
    fn vip(&self, address: &Address) -> Option<Vip>;
    /// Reads a pool.
    fn pool(&self, number: u32) -> Option<Pool>;
    /// Reads a word of the ring arena.
    fn ring_word(&self, index: u32) -> Option<u64>;
    /// Reads a real server.
    fn real(&self, number: u32) -> Option<Real>;
    /// Nanoseconds of `CLOCK_MONOTONIC`; called for tracked packets only.
    fn now(&self) -> u64;
    /// Looks up a confirmed flow.
    fn flow(&self, key: &FlowKey) -> Option<Note>;
    /// Looks up a flow that has only shown a SYN.
    fn new_flow(&self, key: &FlowKey) -> Option<Note>;
    /// Writes a confirmed flow.
    fn note_flow(&self, key: &FlowKey, note: &Note);
    /// Writes an unconfirmed flow; false where the table does not take it.
    fn note_new_flow(&self, key: &FlowKey, note: &Note) -> bool;
    /// Removes a confirmed flow.
    fn forget_flow(&self, key: &FlowKey);
    /// Removes an unconfirmed flow.
    fn forget_new_flow(&self, key: &FlowKey);

    /// True where the real server `number` of `pool` takes packets of its flows.
    #[inline(always)]
    fn usable(&self, pool: &Pool, number: u16) -> bool {
        self.is(pool, number, RealState::USABLE)
    }

    /// True where the real server `number` of `pool` has this state.
    #[inline(always)]
    fn is(&self, pool: &Pool, number: u16, state: RealState) -> bool {
        number != NO_REAL
            && self
                .real(pool.reals.wrapping_add(u32::from(number)))
                .is_some_and(|real| RealState(real.state).has(state))
    }
}

/// What told the real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The ring in force.
    Current,
    /// The ring from before the change.
    Base,
    /// A note in the flow table.
    Note,
}

/// The real server of a flow, and how it was found.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The counter of this real server of this service.
    pub counter: u32,
    /// The flow hash.
    pub hash: u64,
    /// The slot of the current ring.
    pub slot: u32,
    /// True where the slot is in transition.
    pub tracked: bool,
    /// What told the real server.
    pub origin: Origin,
    /// The real server's number within its pool.
    pub number: u16,
    /// The real server.
    pub real: Real,
}

/// What is done with a frame.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// It goes to a real server.
    Forward {
        /// Which.
        choice: Choice,
        /// Where its IP header stands.
        ip: IpHeader,
    },
    /// It does not.
    Refuse(Reason),
}

/// Decides on a frame.
///
/// Both families are decoded and decided on apart, so that each path is straight and its constants are
/// known.
#[inline(always)]
pub fn steer<F: Frame + ?Sized, T: Tables>(frame: &F, tables: &T) -> Verdict {
    match decode::kind(frame) {
        Kind::Ipv4 => settle(decode::ipv4(frame, ETHERNET), tables),
        Kind::Ipv6 => settle(decode::ipv6(frame, ETHERNET), tables),
        Kind::Tagged => settle(decode::tagged(frame), tables),
        Kind::Pass(reason) => Verdict::Refuse(reason),
    }
}

#[inline(always)]
fn settle<T: Tables>(decoded: Decoded, tables: &T) -> Verdict {
    let (flow, ip, whole, learn) = match decoded {
        Decoded::Flow { flow, ip, whole } => (flow, ip, whole, true),
        Decoded::Quote { flow, ip } => (flow, ip, true, false),
        Decoded::Portless { to, protocol, vip, other } => {
            let ours =
                tables.vip(&Address::from_halves(to)).is_some_and(|vip| vip.serves(protocol));
            return Verdict::Refuse(if ours { vip } else { other });
        }
        Decoded::Pass(reason) => return Verdict::Refuse(reason),
    };
    let Some(service) = find(&flow, tables) else { return Verdict::Refuse(Reason::NoService) };
    if !whole {
        return Verdict::Refuse(Reason::Truncated);
    }
    if ip.ttl <= 1 {
        return Verdict::Refuse(Reason::TtlExceeded);
    }
    match choose(&flow, service.borrow(), tables, learn) {
        Ok(choice) => Verdict::Forward { choice, ip },
        Err(reason) => Verdict::Refuse(reason),
    }
}

/// The virtual service that a flow is for: its own port first, then the one for every port.
#[inline(always)]
pub fn find<T: Tables>(flow: &Flow, tables: &T) -> Option<T::Service> {
    let key = ServiceKey::new(Address::from_halves(flow.vip), flow.protocol, flow.vip_port());
    tables.service(&key).or_else(|| tables.service(&key.wildcard()))
}

/// The real server of a flow of `service`. `learn` is false for what must leave no trace.
///
/// # Errors
/// The reason for which a packet of this flow would be dropped.
#[inline(always)]
pub fn choose<T: Tables>(
    flow: &Flow,
    service: &Service,
    tables: &T,
    learn: bool,
) -> Result<Choice, Reason> {
    let hash = tables.keys().flow(service, flow.client, flow.ports);
    let pool = tables.pool(service.pool).ok_or(Reason::Inconsistent)?;
    let (slot, current) = ring::look(tables, pool.current, hash)?;
    let tracked = current.tracked() && service.tracked();
    let (number, origin) = if tracked {
        let base = match ring::look(tables, pool.base, hash) {
            Ok((_, base)) => base.real(),
            Err(_) => current.real(),
        };
        let moved = Moved { current: current.real(), base };
        track(tables, &pool, service, flow, moved, learn)
    } else {
        (current.real(), Origin::Current)
    };
    if number == NO_REAL {
        return Err(Reason::NoReal);
    }
    let real =
        tables.real(pool.reals.wrapping_add(u32::from(number))).ok_or(Reason::Inconsistent)?;
    if !RealState(real.state).has(RealState::RESOLVED) {
        return Err(Reason::Unresolved);
    }
    let counter = service.counters.wrapping_add(u32::from(number));
    Ok(Choice { counter, hash, slot, tracked, origin, number, real })
}
