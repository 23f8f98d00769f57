//! What the supervisor decides: which process is started when, and when all is over.

use std::time::Duration;

use crate::ipc::{Ending, Identity, Word};

/// The processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The agent.
    Agent,
    /// The probe.
    Probe,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process has ended, or could not be started.
    Ended(Who, Ending),
    /// The agent has said something.
    Said(Word),
    /// An operator wants it all to end (SIGTERM, SIGINT).
    Stop,
    /// An operator wants the configuration to be read again (SIGHUP).
    Reload,
    /// The time that was asked for has come.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the agent.
    StartAgent,
    /// Start a probe, and give the agent the socket to it.
    StartProbe {
        /// Who it is to be.
        identity: Identity,
        /// How many there have been before for this agent.
        before: u32,
        /// How the last one has ended.
        ended: Option<Ending>,
    },
    /// Ask the agent to end.
    StopAgent,
    /// Ask the agent to read its configuration again.
    ReloadAgent,
    /// End it at once.
    Kill(Who),
    /// End the supervisor, with this code.
    Exit(u8),
}

/// How long the agent may take to end when it is asked to: it hands VIPs over and tells people.
pub const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A process that ends again and again is started after longer and longer times; the first time at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// One that has run for so long has worked.
const WORKED: Duration = Duration::from_secs(60);

/// What it says when the agent did not end in time, or ended by a signal.
const FAILURE: u8 = 1;

/// The supervisor's decisions.
#[derive(Debug, Default)]
pub struct Machine {
    agent: Child,
    probe: Child,
    /// An agent has once been ready: from then on it is started anew.
    was_ready: bool,
    /// Who the agent wants the probe to be; nobody, while there is no agent.
    wanted: Option<Identity>,
    /// Probes that this agent has had, and how the last one ended.
    probes: u32,
    last: Option<Ending>,
    /// An operator wants it all to end.
    is_stopping: bool,
    /// When the agent is killed that was asked to end.
    deadline: Option<Duration>,
}

/// A process.
#[derive(Debug, Default)]
struct Child {
    state: State,
    /// Times it has ended since it last worked.
    failures: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Absent,
    Runs {
        since: Duration,
    },
    /// It is started at this time.
    Due(Duration),
}

impl Machine {
    /// The first thing to do.
    pub fn start(&mut self, now: Duration) -> Vec<Action> {
        self.agent.state = State::Runs { since: now };
        vec![Action::StartAgent]
    }

    /// What follows from an event at a time that never goes back.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Ended(Who::Agent, ending) => self.agent_ended(ending, now),
            Event::Ended(Who::Probe, ending) => {
                if self.wanted.is_some() && !self.is_stopping {
                    self.last = Some(ending);
                    self.probe.ended(now);
                } else {
                    self.probe.state = State::Absent;
                }
                self.start_due(now)
            }
            Event::Said(Word::Ready) => {
                self.was_ready = true;
                Vec::new()
            }
            Event::Said(Word::Probe(identity)) => self.want_probe(identity, now),
            Event::Said(Word::Hung) => self.kill_probe(),
            Event::Stop => self.stop(now),
            Event::Reload if self.agent.runs() => vec![Action::ReloadAgent],
            Event::Reload => Vec::new(),
            Event::Tick => match self.deadline {
                Some(deadline) if deadline <= now => {
                    self.deadline = None;
                    vec![Action::Kill(Who::Agent)]
                }
                _ => self.start_due(now),
            },
        }
    }

    /// True from when an operator wants it all to end.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// When it is to be told that time has passed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let due = |child: &Child| match child.state {
            State::Due(at) => Some(at),
            State::Absent | State::Runs { .. } => None,
        };
        [self.deadline, due(&self.agent), due(&self.probe)].into_iter().flatten().min()
    }

    /// An agent that ends well was meant to. One that fails before it was ever ready has said why.
    fn agent_ended(&mut self, ending: Ending, now: Duration) -> Vec<Action> {
        let mut actions = self.kill_probe();
        if !self.probe.runs() {
            self.probe.state = State::Absent;
        }
        (self.wanted, self.probes, self.last) = (None, 0, None);
        let code = match ending {
            Ending::Exited(code) => code,
            Ending::Killed(_) | Ending::NotStarted => FAILURE,
        };
        let is_over = self.is_stopping || ending == Ending::Exited(0) || !self.was_ready;
        if is_over {
            self.agent.state = State::Absent;
            actions.push(Action::Exit(code));
            return actions;
        }
        self.agent.ended(now);
        actions.extend(self.start_due(now));
        actions
    }

    fn want_probe(&mut self, identity: Identity, now: Duration) -> Vec<Action> {
        let before = self.wanted.replace(identity);
        if self.probe.runs() {
            return if before == Some(identity) { Vec::new() } else { self.kill_probe() };
        }
        if before.is_none() {
            self.probe.state = State::Due(now);
        }
        self.start_due(now)
    }

    fn kill_probe(&self) -> Vec<Action> {
        if self.probe.runs() { vec![Action::Kill(Who::Probe)] } else { Vec::new() }
    }

    /// Whoever asks twice does not want to wait.
    fn stop(&mut self, now: Duration) -> Vec<Action> {
        if !self.agent.runs() {
            return vec![Action::Exit(FAILURE)];
        }
        if self.is_stopping {
            return vec![Action::Kill(Who::Agent)];
        }
        self.is_stopping = true;
        self.deadline = Some(now + STOP_LIMIT);
        vec![Action::StopAgent]
    }

    fn start_due(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.agent.begin_if_due(now) {
            actions.push(Action::StartAgent);
        }
        if let Some(identity) = self.wanted
            && self.probe.begin_if_due(now)
        {
            let (before, ended) = (self.probes, self.last);
            self.probes += 1;
            actions.push(Action::StartProbe { identity, before, ended });
        }
        actions
    }
}

impl Child {
    const fn runs(&self) -> bool {
        matches!(self.state, State::Runs { .. })
    }

    /// It is to be started again, after a pause that grows.
    fn ended(&mut self, now: Duration) {
        if let State::Runs { since } = self.state
            && now.saturating_sub(since) >= WORKED
        {
            self.failures = 0;
        }
        let pause = match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => {
                FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
            }
        };
        self.failures = self.failures.saturating_add(1);
        self.state = State::Due(now + pause);
    }

    fn begin_if_due(&mut self, now: Duration) -> bool {
        let is_due = matches!(self.state, State::Due(at) if at <= now);
        if is_due {
            self.state = State::Runs { since: now };
        }
        is_due
    }
}

#[cfg(test)]
#[path = "machine_test.rs"]
mod tests;
