//! What the supervisor decides: which process is started when, and when all is over.

use std::time::Duration;

use crate::ipc::{Crew, Ending, Identity, Word};

/// The processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The agent.
    Agent,
    /// The probe.
    Probe,
    /// The worker.
    Worker,
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
    /// Start a worker.
    StartWorker(Crew),
    /// Give the agent and the worker a socket to each other.
    ConnectWorker {
        /// How many workers there have been before.
        before: u32,
        /// How the last one has ended.
        ended: Option<Ending>,
    },
    /// Keep the socket that came beside the word, by this number.
    Keep(u32),
    /// Close it.
    Forget(u32),
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
    /// Ends with its agent.
    probe: Helper<Identity>,
    /// Goes on without the agent.
    worker: Helper<Crew>,
    /// This agent wants to speak with the worker.
    is_curious: bool,
    /// An agent has once been ready: from then on it is started anew.
    was_ready: bool,
    /// An operator wants it all to end.
    is_stopping: bool,
    /// When the agent is killed that was asked to end.
    deadline: Option<Duration>,
}

/// A process that the agent wants.
#[derive(Debug)]
struct Helper<W> {
    child: Child,
    /// What the agent wants it to be; nothing, while nobody wants one.
    wanted: Option<W>,
    /// Those that there have been, and how the last one ended.
    started: u32,
    last: Option<Ending>,
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
                self.probe.ended(ending, self.is_stopping, now);
                self.start_due(now)
            }
            Event::Ended(Who::Worker, ending) => {
                self.worker.ended(ending, self.is_stopping, now);
                self.start_due(now)
            }
            Event::Said(Word::Ready) => {
                self.was_ready = true;
                Vec::new()
            }
            Event::Said(Word::Probe(identity)) => {
                if self.probe.want(identity, now) {
                    return vec![Action::Kill(Who::Probe)];
                }
                self.start_due(now)
            }
            Event::Said(Word::Hung) => self.kill_probe(),
            Event::Said(Word::Worker(crew)) => self.want_worker(crew, now),
            Event::Said(Word::WorkerHung) => Vec::from_iter(self.kill_worker()),
            Event::Said(Word::Keep(number)) => vec![Action::Keep(number)],
            Event::Said(Word::Forget(number)) => vec![Action::Forget(number)],
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
        let helpers = [due(&self.probe.child), due(&self.worker.child)];
        helpers.into_iter().chain([self.deadline, due(&self.agent)]).flatten().min()
    }

    /// An agent that ends well was meant to. One that fails before it was ever ready has said why.
    fn agent_ended(&mut self, ending: Ending, now: Duration) -> Vec<Action> {
        let mut actions = self.kill_probe();
        let probe = std::mem::take(&mut self.probe);
        if probe.child.runs() {
            self.probe.child = probe.child;
        }
        self.is_curious = false;
        let code = match ending {
            Ending::Exited(code) => code,
            Ending::Killed(_) | Ending::NotStarted => FAILURE,
        };
        let is_over = self.is_stopping || ending == Ending::Exited(0) || !self.was_ready;
        if is_over {
            self.agent.state = State::Absent;
            actions.extend(self.kill_worker());
            actions.push(Action::Exit(code));
            return actions;
        }
        self.agent.ended(now);
        actions.extend(self.start_due(now));
        actions
    }

    fn want_worker(&mut self, crew: Crew, now: Duration) -> Vec<Action> {
        self.is_curious = true;
        if self.worker.want(crew, now) {
            return vec![Action::Kill(Who::Worker)];
        }
        if self.worker.child.runs() {
            return vec![self.connect_worker()];
        }
        self.start_due(now)
    }

    const fn connect_worker(&self) -> Action {
        let Helper { started, last, .. } = self.worker;
        Action::ConnectWorker { before: started.saturating_sub(1), ended: last }
    }

    fn kill_probe(&self) -> Vec<Action> {
        if self.probe.child.runs() { vec![Action::Kill(Who::Probe)] } else { Vec::new() }
    }

    fn kill_worker(&self) -> Option<Action> {
        self.worker.child.runs().then_some(Action::Kill(Who::Worker))
    }

    /// Whoever asks twice does not want to wait.
    fn stop(&mut self, now: Duration) -> Vec<Action> {
        if !self.agent.runs() {
            return self.kill_worker().into_iter().chain([Action::Exit(FAILURE)]).collect();
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
        let (before, ended) = (self.probe.started, self.probe.last);
        if let Some(identity) = self.probe.begin_if_due(now) {
            actions.push(Action::StartProbe { identity, before, ended });
        }
        if let Some(crew) = self.worker.begin_if_due(now) {
            actions.push(Action::StartWorker(crew));
            actions.extend(self.is_curious.then(|| self.connect_worker()));
        }
        actions
    }
}

impl<W> Default for Helper<W> {
    fn default() -> Self {
        Self { child: Child::default(), wanted: None, started: 0, last: None }
    }
}

impl<W: Copy + PartialEq> Helper<W> {
    /// It is to be this. True where there is another one, which has to end first.
    fn want(&mut self, what: W, now: Duration) -> bool {
        let before = self.wanted.replace(what);
        if self.child.runs() {
            return before != Some(what);
        }
        if before.is_none() {
            self.child.state = State::Due(now);
        }
        false
    }

    /// It is started again where it is still wanted.
    fn ended(&mut self, ending: Ending, is_stopping: bool, now: Duration) {
        if self.wanted.is_some() && !is_stopping {
            self.last = Some(ending);
            self.child.ended(now);
        } else {
            self.child.state = State::Absent;
        }
    }

    fn begin_if_due(&mut self, now: Duration) -> Option<W> {
        let wanted = self.wanted?;
        self.child.begin_if_due(now).then(|| {
            self.started += 1;
            wanted
        })
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
