//! What is done with a packet: the whole decision, over whatever holds the tables.
//!
//! XDP calls [`steer`] on a frame with its maps, `lb trace` calls [`choose`] on a flow with the pinned maps
//! read from outside, tests call either on plain collections.

use core::borrow::Borrow;

use crate::{
    abi::{
        Address, Features, FlowKey, Fragment, FragmentKey, Halves, Link, Load, NO_REAL, Note,
        NoteState, Pool, Real, RealState, Reason, Schedule, Service, ServiceKey, Vip,
    },
    decode::{self, Decoded, IpHeader, Kind},
    flow::{Flow, Segment},
    flow_hash::HashKeys,
    ring,
    schedule::Search,
    track::{Lately, Tracked, Way, follow},
    wire::{Frame, protocol},
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
    /// Reads a link.
    fn link(&self, number: u16) -> Option<Link>;
    /// Nanoseconds of `CLOCK_MONOTONIC`; called for tracked packets only.
    fn now(&self) -> u64;
    /// Looks up a confirmed flow.
    fn flow(&self, key: &FlowKey) -> Option<Note>;
    /// Looks up a flow that has only shown a SYN.
    fn new_flow(&self, key: &FlowKey) -> Option<Note>;
    /// Writes a confirmed flow. That it was seen again is kept where it is confirmed already.
    fn note_flow(&self, key: &FlowKey, note: &Note);
    /// Writes an unconfirmed flow; false where the table does not take it.
    fn note_new_flow(&self, key: &FlowKey, note: &Note) -> bool;
    /// Removes a confirmed flow.
    fn forget_flow(&self, key: &FlowKey);
    /// Removes an unconfirmed flow.
    fn forget_new_flow(&self, key: &FlowKey);
    /// What is known of a flow ([`crate::flow_hash::HashKeys::whole_flow`]) without its note.
    fn lately(&self, _hash: u64) -> Option<Lately> {
        None
    }
    /// Puts down what its note has said of a flow.
    fn put_lately(&self, _hash: u64, _lately: Lately) {}
    /// Forgets what its note has said of a flow.
    fn forget_lately(&self, _hash: u64) {}
    /// The kernel's clock in ticks: where it costs less than [`Tables::now`].
    fn ticks(&self) -> u64 {
        0
    }
    /// Nanoseconds of a tick.
    fn tick(&self) -> u64 {
        1
    }
    /// What is in use.
    fn features(&self) -> Features;
    /// Looks up the ports of a fragmented datagram.
    fn fragment(&self, key: &FragmentKey) -> Option<Fragment>;
    /// Writes the ports of a fragmented datagram, seen now.
    fn note_fragment(&self, key: &FragmentKey, ports: u32);
    /// The ports of a fragment that carries none ([`ports()`]).
    ///
    /// # Errors
    /// Why they are not known.
    fn ports(&self, key: &FragmentKey) -> Result<u32, Reason>
    where
        Self: Sized,
    {
        ports(self, key)
    }
    /// Asks the service's guard about a packet; `new` for one that begins a connection.
    ///
    /// # Errors
    /// Why it does not come in.
    fn admit(&self, service: &Service, client: &Halves, new: bool) -> Result<(), Reason>;
    /// Reads the schedule of a pool.
    fn schedule(&self, pool: u32) -> Option<Schedule>;
    /// Takes a turn of a pool's schedule.
    fn turn(&self, pool: u32) -> u64;
    /// Reads the connections of a real server.
    fn load(&self, number: u32) -> Option<Load>;
    /// Counts a connection of the real server `number` that went from one state to another; `None`: that was
    /// not there before, that is not there any more.
    fn count(&self, number: u32, from: Option<NoteState>, to: Option<NoteState>);
    /// Decides on a packet of a moved slot ([`follow()`]).
    fn track(&self, packet: Tracked) -> Way
    where
        Self: Sized,
    {
        follow(self, &packet)
    }
    /// Looks at the first `reals` real servers of a pool ([`Search::consider`]).
    fn search(&self, search: &mut Search, reals: u32)
    where
        Self: Sized,
    {
        for number in 0..reals {
            search.consider(self, number);
        }
    }
    /// Picks the real server of `pool` for a new connection by its schedule ([`crate::schedule::pick`]).
    fn pick(&self, number: u32, pool: &Pool) -> Option<u16>;

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
                .is_some_and(|real| real.state().has(state))
    }
}

/// What told the real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Origin {
    /// The ring in force.
    Current = 0,
    /// The ring from before the change.
    Base = 1,
    /// A note in the flow table.
    Note = 2,
    /// A scheduler that counts.
    Scheduler = 3,
}

impl Origin {
    /// The origin of that number.
    #[inline(always)]
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Base,
            2 => Self::Note,
            3 => Self::Scheduler,
            _ => Self::Current,
        }
    }
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
    /// The link it is behind.
    pub link: Link,
    /// Its entry in the maps.
    pub entry: u32,
    /// It begins a connection.
    pub new: bool,
    /// Its sender may be told what is wrong with it: it is neither an error nor a later fragment (RFC 1122,
    /// section 3.2.2).
    pub told: bool,
    /// Its packets go in a tunnel.
    pub tunnel: bool,
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
    Refuse {
        /// Why.
        reason: Reason,
        /// Where its IP header stands, for an ICMP error; [`IpHeader::NONE`] where none is sent.
        ip: IpHeader,
    },
}

impl Verdict {
    #[inline(always)]
    const fn refuse(reason: Reason) -> Self {
        Self::Refuse { reason, ip: IpHeader::NONE }
    }
}

/// Decides on a frame.
///
/// Both families are decoded and decided on apart, so that each path is straight and its constants are
/// known.
#[inline(always)]
pub fn steer<F: Frame + ?Sized, T: Tables>(frame: &F, tables: &T) -> Verdict {
    match decode::kind(frame) {
        (Kind::Ipv4, at) => settle(decode::ipv4(frame, at), tables),
        (Kind::Ipv6, at) => settle(decode::ipv6(frame, at), tables),
        (Kind::Pass(reason), _) => Verdict::refuse(reason),
    }
}

#[inline(always)]
fn settle<T: Tables>(decoded: Decoded, tables: &T) -> Verdict {
    let (flow, ip, whole, learn) = match decoded {
        Decoded::Flow { flow, ip, whole } => (flow, ip, whole, true),
        Decoded::Quote { flow, ip } => (flow, ip, true, false),
        Decoded::Later { from, to, protocol, ip } => match later(from, to, protocol, &ip, tables) {
            Ok(flow) => (flow, ip, true, false),
            Err(reason) => return Verdict::refuse(reason),
        },
        Decoded::Portless { to, protocol, vip, other } => {
            let ours =
                tables.vip(&Address::from_halves(to)).is_some_and(|vip| vip.serves(protocol));
            return Verdict::refuse(if ours { vip } else { other });
        }
        Decoded::Pass(reason) => return Verdict::refuse(reason),
    };
    let Some(service) = find(&flow, tables) else { return Verdict::refuse(Reason::NoService) };
    let service = service.borrow();
    if !whole {
        return Verdict::refuse(Reason::Truncated);
    }
    // Errors are answered only to those who may come in, and never to an error (RFC 1122, section 3.2.2).
    let told = if learn { ip } else { IpHeader::NONE };
    if tables.features().has(Features::GUARD) && service.guard != 0 {
        let new = learn && matches!(flow.segment.at(service), Segment::Syn | Segment::Datagram);
        if let Err(reason) = tables.admit(service, &flow.client, new) {
            return Verdict::refuse(reason);
        }
    }
    if ip.ttl <= 1 {
        return Verdict::Refuse { reason: Reason::TtlExceeded, ip: told };
    }
    if ip.first {
        tables.note_fragment(&fragment_key(&flow, &ip), flow.ports);
    }
    match choose(&flow, service, tables, learn) {
        Ok(choice) => Verdict::Forward { choice, ip },
        Err(Reason::NoReal) if service.has(Service::REJECT) => {
            Verdict::Refuse { reason: Reason::Rejected, ip: told }
        }
        Err(reason) => Verdict::refuse(reason),
    }
}

/// The flow of a fragment that carries no ports.
#[inline(always)]
pub(crate) fn later<T: Tables>(
    from: Halves,
    to: Halves,
    protocol: u8,
    ip: &IpHeader,
    tables: &T,
) -> Result<Flow, Reason> {
    // Neither ports nor flags can be told from its bytes: it must not be taken for a connection's start.
    let segment = if protocol == protocol::TCP { Segment::Other } else { Segment::Datagram };
    let flow = Flow { client: from, vip: to, ports: 0, protocol, segment };
    let ports = tables.ports(&fragment_key(&flow, ip))?;
    Ok(Flow { ports, ..flow })
}

/// The ports of a fragment that carries none: those of the first fragment, or of the only service of that
/// address and protocol.
///
/// # Errors
/// [`Reason::PassFragment`] where its address is no VIP of that protocol, [`Reason::Fragment`] where its ports
/// are not known.
#[inline(always)]
pub fn ports<T: Tables>(tables: &T, key: &FragmentKey) -> Result<u32, Reason> {
    let [protocol, ..] = key.protocol.to_le_bytes();
    let vip = tables.vip(&key.to).filter(|vip| vip.serves(Some(protocol)));
    let Some(vip) = vip else { return Err(Reason::PassFragment) };
    let known = tables.fragment(key);
    if let Some(known) = known.filter(|f| tables.now().wrapping_sub(f.seen) <= Fragment::LIFE) {
        return Ok(known.ports);
    }
    let [c, d] = vip.only_port(protocol).ok_or(Reason::Fragment)?.to_be_bytes();
    Ok(u32::from_ne_bytes([0, 0, c, d]))
}

#[inline(always)]
const fn fragment_key(flow: &Flow, ip: &IpHeader) -> FragmentKey {
    FragmentKey {
        from: Address::from_halves(flow.client),
        to: Address::from_halves(flow.vip),
        id: ip.id,
        protocol: flow.protocol as u32,
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
    let pool = tables.pool(u32::from(service.pool)).ok_or(Reason::Inconsistent)?;
    let (slot, current) = ring::look(tables, pool.current, hash)?;
    let counting = tables.features().has(Features::COUNTING) && service.has(Service::COUNTING);
    let tracked = counting || current.tracked() && service.has(Service::TRACKED);
    let (number, origin) = if tracked {
        let real = current.real();
        tables.track(Tracked::new(flow, service, hash, real, learn, counting)).get()
    } else {
        (current.real(), Origin::Current)
    };
    if number == NO_REAL {
        return Err(Reason::NoReal);
    }
    let entry = pool.reals.wrapping_add(u32::from(number));
    let real = tables.real(entry).ok_or(Reason::Inconsistent)?;
    if !real.state().has(RealState::RESOLVED) {
        return Err(Reason::Unresolved);
    }
    let link = tables.link(real.link()).ok_or(Reason::Inconsistent)?;
    let counter = service.counters.wrapping_add(u32::from(number));
    let new = learn && matches!(flow.segment.at(service), Segment::Syn);
    let tunnel = tables.features().has(Features::TUNNEL) && service.has(Service::TUNNEL);
    Ok(Choice {
        counter,
        hash,
        slot,
        tracked,
        origin,
        number,
        real,
        link,
        entry,
        new,
        told: learn,
        tunnel,
    })
}
