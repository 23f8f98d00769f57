//! A director under test: every frame that it is given is checked byte by byte and counter by counter.

use std::{net::IpAddr, time::Instant};

use lb_common::abi::{Counter, Features, Metadata, Reason};
use lb_userspace::{
    model::{Mode, Name},
    plan::{Admin, Block},
};

use crate::{
    answer, craft,
    family::{Family, standard},
    plane::{Plane, mac, parse},
    wrap,
};

/// `enum xdp_action`.
pub(crate) const XDP_DROP: u32 = 1;
pub(crate) const XDP_PASS: u32 = 2;
pub(crate) const XDP_TX: u32 = 3;
pub(crate) const XDP_REDIRECT: u32 = 4;

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It went to a real server of a service.
    To(String, IpAddr),
    /// It went on to the host.
    Passed(Reason),
    /// It was dropped.
    Dropped(Reason),
    /// It was dropped, and its sender was told.
    Answered(Reason),
}

impl Outcome {
    /// The real server; panics where there is none.
    pub(crate) fn real(&self) -> IpAddr {
        match self {
            Self::To(_, real) => *real,
            Self::Passed(_) | Self::Dropped(_) | Self::Answered(_) => {
                panic!("no real server: {self:?}")
            }
        }
    }
}

/// The program, its maps, and what was counted so far.
pub(crate) struct Director {
    pub(crate) plane: Plane,
    /// The frame that came out last.
    pub(crate) out: Vec<u8>,
    /// The mark that stood in front of it.
    pub(crate) mark: Option<u32>,
    /// Every counter, where nothing has moved them since they were read.
    counted: Option<Vec<(Counted, Counter)>>,
}

/// One counter that has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Real(u32),
    Reason(Reason),
}

impl Director {
    /// With the standard configuration.
    pub(crate) fn new() -> Self {
        Self::with(&standard())
    }

    /// With a configuration.
    pub(crate) fn with(config: &str) -> Self {
        Self::of(Plane::new(config))
    }

    /// The same, where the program can do more than the configuration asks for.
    pub(crate) fn equipped(config: &str, extra: Features) -> Self {
        Self::of(Plane::with(config, extra))
    }

    const fn of(plane: Plane) -> Self {
        Self { plane, out: Vec::new(), mark: None, counted: None }
    }

    /// Gives a frame to the program and checks everything that it did: exactly one counter has moved, by
    /// one packet and the frame's bytes; what was sent on is the frame with other MAC addresses and one hop
    /// less, or in its tunnel, what was not is as it was; the action fits.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Outcome {
        let before = self.counted.take().unwrap_or_else(|| self.counters());
        let (action, out) = self.plane.data.test_run(frame).expect("the kernel takes the frame");
        let out = self.take_mark(out);
        let all = self.counters();
        let moved: Vec<_> = before.iter().zip(&all).filter(|(b, a)| b != a).collect();
        let answered = Counted::Reason(Reason::Answered);
        let (told, moved): (Vec<_>, Vec<_>) =
            moved.into_iter().partition(|((counted, _), _)| *counted == answered);
        let [((counted, before), (_, after))] = moved[..] else {
            panic!("not exactly one counter has moved: {moved:?}")
        };
        assert_eq!(after.packets - before.packets, 1, "packets of {counted:?}");
        assert_eq!(after.bytes - before.bytes, frame.len() as u64, "bytes of {counted:?}");
        let (counted, told) = (*counted, !told.is_empty());
        self.counted = Some(all);
        self.out.clone_from(&out);
        match counted {
            Counted::Reason(reason) if told => {
                assert_eq!(action, XDP_TX, "an answer to {reason:?}");
                let mtu = if reason == Reason::TooBig { self.limit(frame) } else { 0 };
                let own = &self.plane.surroundings.own;
                assert_eq!(out, answer::from(own, frame, reason, mtu), "the answer to {reason:?}");
                Outcome::Answered(reason)
            }
            Counted::Reason(Reason::Unpacked) => {
                assert_eq!(out, wrap::inside(frame), "what was in the tunnel");
                assert_eq!(action, XDP_PASS, "what was in the tunnel is for the host");
                Outcome::Passed(Reason::Unpacked)
            }
            Counted::Reason(reason) => {
                assert_eq!(out, frame, "{reason:?} must leave the frame as it is");
                let (wanted, outcome) = if reason.drops() {
                    (XDP_DROP, Outcome::Dropped(reason))
                } else {
                    (XDP_PASS, Outcome::Passed(reason))
                };
                assert_eq!(action, wanted, "action of {reason:?}");
                outcome
            }
            Counted::Real(counter) => {
                let (service, real) = self.owner(counter);
                if self.plane.local.contains(&real) {
                    assert_eq!((out.as_slice(), action), (frame, XDP_PASS), "the frame for {real}");
                    return Outcome::To(service, real);
                }
                assert_eq!(out, self.expected(&service, real, frame), "the frame for {real}");
                let elsewhere = self.plane.elsewhere.contains(&real);
                assert_eq!(action, if elsewhere { XDP_REDIRECT } else { XDP_TX }, "to {real}");
                Outcome::To(service, real)
            }
        }
    }

    /// Takes the mark from the front of what came out: metadata comes out before the frame.
    fn take_mark(&mut self, mut out: Vec<u8>) -> Vec<u8> {
        let words = out.first_chunk::<{ Metadata::BYTES }>().map(|bytes| {
            let [a, b, c, d, e, f, g, h] = *bytes;
            let (magic, mark) = ([a, b, c, d], [e, f, g, h]);
            Metadata { magic: u32::from_ne_bytes(magic), mark: u32::from_ne_bytes(mark) }
        });
        self.mark = words.and_then(|metadata| metadata.mark());
        if self.mark.is_some() {
            out.drain(..Metadata::BYTES);
        }
        out
    }

    /// The frame as it should leave for a real server of a service.
    pub(crate) fn expected(&self, service: &str, real: IpAddr, frame: &[u8]) -> Vec<u8> {
        let config = &self.plane.config;
        let service = config.services.iter().find(|found| found.name.as_str() == service);
        let service = service.expect("a service of the configuration");
        let retags = self.plane.data.features().has(Features::VLANS);
        let vlan = self.plane.vlans.get(&real).copied().unwrap_or(0);
        let retagged = retags.then(|| craft::in_vlan(frame, vlan));
        let frame = retagged.as_deref().unwrap_or(frame);
        match service.mode {
            Mode::Tcp | Mode::Http => panic!("XDP forwards nothing of the proxy"),
            Mode::DirectRouting => craft::forwarded(frame, mac(real)),
            Mode::Tunnel => {
                let pool = config.pool(service.pool.as_str()).expect("its pool");
                let way = wrap::Way { node: &config.node, kind: pool.tunnel.kind, remote: real };
                way.wrapped(frame, mac(real), &self.out)
            }
        }
    }

    /// The largest packet to a frame's VIP that can be sent on.
    pub(crate) fn limit(&self, frame: &[u8]) -> u16 {
        let config = &self.plane.config;
        let vip = craft::addresses(frame).1;
        let service = config.services.iter().find(|service| service.address == vip);
        let service = service.expect("a service of the configuration");
        match service.mode {
            Mode::Tcp | Mode::Http => panic!("XDP forwards nothing of the proxy"),
            Mode::DirectRouting => self.plane.mtu,
            Mode::Tunnel => {
                let pool = config.pool(service.pool.as_str()).expect("its pool");
                let remote = pool.servers[0].address;
                let way = wrap::Way { node: &config.node, kind: pool.tunnel.kind, remote };
                pool.tunnel.mtu.unwrap_or(self.plane.mtu) - way.overhead()
            }
        }
    }

    /// The real server that a frame of a service goes to.
    pub(crate) fn real(&mut self, frame: &[u8]) -> IpAddr {
        self.send(frame).real()
    }

    /// The same without looking at bytes and counters, for large numbers of frames; `None`: to nobody.
    pub(crate) fn glance(&mut self, frame: &[u8]) -> Option<[u8; 6]> {
        self.counted = None;
        let (action, out) = self.plane.data.test_run(frame).expect("the kernel takes the frame");
        matches!(action, XDP_TX | XDP_REDIRECT).then(|| out[..6].try_into().expect("six bytes"))
    }

    /// Changes what is known or wanted, and brings the maps up to date.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Plane)) {
        self.counted = None;
        change(&mut self.plane);
        self.plane.update();
    }

    /// Replaces the configuration.
    pub(crate) fn reload(&mut self, text: &str) {
        self.change(|plane| plane.config = parse(text));
    }

    /// Says something of a real server of the pool `web`.
    pub(crate) fn set_state(&mut self, family: Family, server: u16, state: Admin) {
        let (pool, server) = names(family, server);
        self.change(|plane| {
            plane.operator.set_state(&plane.config, &pool, &server, state).expect("it is there");
        });
    }

    /// Closes the transition window of the pool `web`.
    pub(crate) fn close_window(&mut self, family: Family) {
        let (pool, _) = names(family, 0);
        let number = self.plane.numbering.pools[&pool].number;
        self.plane.data.close_window(number, Instant::now());
        self.plane.numbering.release(&pool, |_| false);
    }

    /// True while the pool `web` has a window open.
    pub(crate) fn in_transition(&self, family: Family) -> bool {
        let (pool, _) = names(family, 0);
        self.plane.data.in_transition(self.plane.numbering.pools[&pool].number)
    }

    /// Every counter in use.
    fn counters(&self) -> Vec<(Counted, Counter)> {
        let blocks = self.plane.numbering.services.values().map(|service| service.counters);
        let end = blocks.map(|block| block.start + block.length).max().unwrap_or(0);
        let reals = self.plane.data.counters(Block { start: 0, length: end });
        let reals = (0..).map(Counted::Real).zip(reals);
        let reasons = Reason::ALL.iter().map(|&reason| {
            (Counted::Reason(reason), self.plane.data.reason(reason).expect("a counter"))
        });
        reals.chain(reasons).collect()
    }

    /// Whose counter it is.
    pub(crate) fn owner(&self, counter: u32) -> (String, IpAddr) {
        let numbering = &self.plane.numbering;
        let found = numbering.services.iter().find_map(|(name, service)| {
            let offset = counter.checked_sub(service.counters.start)?;
            let pool = &numbering.pools[&service.pool];
            let real = pool.members.iter().chain(&pool.retired);
            let real = real.filter(|_| offset < service.counters.length);
            real.map(|(real, number)| (*real, u32::from(*number)))
                .find(|(_, number)| *number == offset)
                .map(|(real, _)| (name.as_str().to_owned(), real))
        });
        found.unwrap_or_else(|| panic!("nobody owns counter {counter}"))
    }
}

/// The names of the pool `web` and of one of its real servers.
pub(crate) fn names(family: Family, server: u16) -> (Name, Name) {
    let name = |text: String| text.parse().expect("a name");
    (name(family.name("web")), name(format!("r{server}")))
}
