//! Random sequences of what can happen to a director.

use std::{fmt, time::Duration};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    rules::Says,
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
    /// Time goes by.
    Wait(Duration),
}

/// A few flows, and what happens to them.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) family: Family,
    pub(super) flows: Vec<Flow>,
    pub(super) steps: Vec<Step>,
}

/// One step a line.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "IPv{}", self.family)?;
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

/// All stories.
pub(super) fn stories() -> impl Strategy<Value = Story> {
    let (family, flows) = (select(FAMILIES.to_vec()), vec(flow(), 4..20));
    let steps = vec(step(), 1..140);
    (family, flows, steps).prop_map(|(family, flows, steps)| Story { family, flows, steps })
}

fn flow() -> impl Strategy<Value = Flow> {
    (0_u16..4, 0_u16..2, select(Port::ALL.to_vec())).prop_map(|(client, from, port)| Flow {
        client,
        from,
        port,
    })
}

fn step() -> impl Strategy<Value = Step> {
    // Around the limits of the rules: a second, 10, 30, 60 and 120 seconds.
    let times =
        [5_u64, 900, 1_100, 9_000, 11_000, 29_000, 31_000, 59_000, 61_000, 119_000, 121_000];
    let wait = select(times.map(Duration::from_millis).to_vec());
    prop_oneof![
        60 => (0_usize..20, vec(sends(), 1..5)).prop_map(|(flow, sends)| Step::Talk(flow, sends)),
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
