//! The supervisor's loop: waits for signals, for the end of a process and for what the agent says.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    os::fd::{AsFd as _, OwnedFd},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use nix::sys::{
    signal::{SigSet, Signal as Heard},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Signal,
};
use tracing::{error, info, warn};

use super::{
    child::Child,
    machine::{Action, Event, Machine, Who},
};
use crate::ipc::{Crew, DESCRIPTORS, Ending, Identity, News, Packets, Word, link};

/// What the processes are called with.
#[derive(Clone, Debug)]
pub struct Command {
    /// The arguments that make this program an agent.
    pub agent: Vec<OsString>,
}

/// Starts the agent, and what it wants besides, and sees to it that they run until the agent ends by itself or an
/// operator wants it to.
///
/// # Errors
/// The kernel gives no signals or no sockets.
pub fn run(command: &Command) -> Result<ExitCode> {
    let heard = SigSet::from_iter([Heard::SIGTERM, Heard::SIGINT, Heard::SIGHUP]);
    // The processes inherit that, and let them through again (`begin_as`).
    heard.thread_block().context("blocking signals")?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let signals = SignalFd::with_flags(&heard, flags).context("listening to signals")?;
    let mut supervisor = Supervisor {
        command,
        origin: Instant::now(),
        machine: Machine::default(),
        agent: None,
        link: None,
        probe: None,
        worker: None,
        way: None,
        beside: None,
        kept: BTreeMap::new(),
    };
    let first = supervisor.machine.start(Duration::ZERO);
    if let Some(code) = supervisor.perform(first) {
        return Ok(code);
    }
    loop {
        supervisor.wait(&signals).context("waiting for something to happen")?;
        while let Some(event) = supervisor.next_event(&signals) {
            let now = supervisor.origin.elapsed();
            let actions = supervisor.machine.handle(event, now);
            if !supervisor.machine.is_stopping() {
                report(event, &actions);
            }
            if let Some(code) = supervisor.perform(actions) {
                return Ok(code);
            }
        }
    }
}

/// Says that somebody is gone who is missed. Where all is over, whoever ended it has said why.
fn report(event: Event, actions: &[Action]) {
    let is_over = actions.iter().any(|action| matches!(action, Action::Exit(_)));
    match event {
        Event::Ended(Who::Agent, ending) if !is_over || matches!(ending, Ending::Killed(_)) => {
            warn!("the agent is gone: {ending}");
        }
        // By itself it ends when its agent does.
        Event::Ended(Who::Probe, ending) if !is_over && ending != Ending::Exited(0) => {
            warn!("the probe is gone: {ending}");
        }
        Event::Ended(Who::Worker, ending) if !is_over => warn!("the worker is gone: {ending}"),
        Event::Ended(..) | Event::Said(_) | Event::Stop | Event::Reload | Event::Tick => {}
    }
}

struct Supervisor<'a> {
    command: &'a Command,
    origin: Instant,
    machine: Machine,
    agent: Option<Child>,
    /// The way to the agent.
    link: Option<Packets>,
    probe: Option<Child>,
    worker: Option<Child>,
    /// The way to the worker.
    way: Option<Packets>,
    /// What came beside the agent's last word.
    beside: Option<OwnedFd>,
    /// Sockets that outlive the agent and the worker.
    kept: BTreeMap<u32, OwnedFd>,
}

/// More sockets are not kept.
const MOST_KEPT: usize = 8_192;

impl Supervisor<'_> {
    /// Waits until there is an event.
    fn wait(&self, signals: &SignalFd) -> io::Result<()> {
        let mut watched = vec![PollFd::new(signals, PollFlags::IN)];
        watched.extend(self.agent.iter().map(|child| PollFd::new(child, PollFlags::IN)));
        watched.extend(self.probe.iter().map(|child| PollFd::new(child, PollFlags::IN)));
        watched.extend(self.worker.iter().map(|child| PollFd::new(child, PollFlags::IN)));
        watched.extend(self.link.iter().map(|link| PollFd::new(link, PollFlags::IN)));
        let due = self.machine.next_deadline();
        let pause = due.map(|due| due.saturating_sub(self.origin.elapsed()));
        let pause = pause.and_then(|pause| Timespec::try_from(pause).ok());
        match poll(&mut watched, pause.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn next_event(&mut self, signals: &SignalFd) -> Option<Event> {
        if let Some(event) = self.said().or_else(|| self.ended()) {
            return Some(event);
        }
        let signal = signals.read_signal().ok().flatten();
        if let Some(signal) = signal {
            let is_reload = i32::try_from(signal.ssi_signo) == Ok(Heard::SIGHUP as i32);
            return Some(if is_reload { Event::Reload } else { Event::Stop });
        }
        let is_due = self.machine.next_deadline().is_some_and(|due| due <= self.origin.elapsed());
        is_due.then_some(Event::Tick)
    }

    /// Somebody has ended. The agent's end goes last: what it has said before is heard.
    fn ended(&mut self) -> Option<Event> {
        if let Some(ending) = self.probe.as_mut().and_then(Child::ended) {
            self.probe = None;
            return Some(Event::Ended(Who::Probe, ending));
        }
        if let Some(ending) = self.worker.as_mut().and_then(Child::ended) {
            (self.worker, self.way) = (None, None);
            return Some(Event::Ended(Who::Worker, ending));
        }
        let ending = self.agent.as_mut().and_then(Child::ended)?;
        (self.agent, self.link) = (None, None);
        Some(Event::Ended(Who::Agent, ending))
    }

    /// What the agent has said.
    fn said(&mut self) -> Option<Event> {
        let mut bytes = [0; link::LENGTH];
        let received = match self.link.as_ref()?.receive(&mut bytes) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => {
                error!("cannot hear the agent: {error}");
                self.link = None;
                return None;
            }
        };
        self.beside = received.descriptors.into_iter().next();
        match Word::try_from(&bytes[..received.length]) {
            Ok(word) => Some(Event::Said(word)),
            Err(error) => {
                if received.length > 0 {
                    error!("the agent says {error}");
                }
                self.link = None;
                None
            }
        }
    }

    /// Does what was decided. The code to end with, when all is over.
    fn perform(&mut self, actions: Vec<Action>) -> Option<ExitCode> {
        let mut actions = actions;
        while !actions.is_empty() {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::StartAgent => {
                        let started = self.start_agent();
                        actions.extend(self.note_start(Who::Agent, started));
                    }
                    Action::StartProbe { identity, before, ended } => {
                        let started = self.start_probe(identity, before, ended);
                        actions.extend(self.note_start(Who::Probe, started));
                    }
                    Action::StartWorker(crew) => {
                        let started = self.start_worker(crew);
                        actions.extend(self.note_start(Who::Worker, started));
                    }
                    Action::ConnectWorker { before, ended } => {
                        if let Err(error) = self.connect_worker(before, ended) {
                            error!("cannot bring agent and worker together: {error}");
                        }
                    }
                    Action::Keep(number) => self.keep(number),
                    Action::Forget(number) => drop(self.kept.remove(&number)),
                    Action::StopAgent => self.signal_agent(Signal::TERM),
                    Action::ReloadAgent => self.signal_agent(Signal::HUP),
                    Action::Kill(Who::Agent) => {
                        warn!(
                            "the agent does not end: it is killed, and forwarding stays as it is"
                        );
                        self.signal_agent(Signal::KILL);
                    }
                    Action::Kill(Who::Probe) => {
                        self.probe.iter().for_each(|probe| probe.signal(Signal::KILL));
                    }
                    Action::Kill(Who::Worker) => {
                        self.worker.iter().for_each(|worker| worker.signal(Signal::KILL));
                    }
                    Action::Exit(code) => {
                        bury(self.probe.take());
                        bury(self.worker.take());
                        return Some(code.into());
                    }
                }
            }
        }
        None
    }

    fn signal_agent(&self, signal: Signal) {
        self.agent.iter().for_each(|agent| agent.signal(signal));
    }

    fn note_start(&mut self, who: Who, started: io::Result<()>) -> Vec<Action> {
        let Err(error) = started else { return Vec::new() };
        let name = match who {
            Who::Agent => "agent",
            Who::Probe => "probe",
            Who::Worker => "worker",
        };
        error!("cannot start the {name}: {error}");
        let now = self.origin.elapsed();
        self.machine.handle(Event::Ended(who, Ending::NotStarted), now)
    }

    fn start_agent(&mut self) -> io::Result<()> {
        let (ours, theirs) = Packets::pair()?;
        let agent = Child::start("lb", &self.command.agent, theirs)?;
        if self.origin.elapsed() > Duration::from_secs(1) {
            info!(pid = agent.id(), "the agent is started anew");
        }
        let kept: Vec<_> = self.kept.iter().collect();
        for some in kept.chunks(DESCRIPTORS) {
            let words: Vec<_> =
                some.iter().flat_map(|(number, _)| News::Kept(**number).bytes()).collect();
            let sockets: Vec<_> = some.iter().map(|(_, socket)| socket.as_fd()).collect();
            ours.send(&words, &sockets)?;
        }
        ours.send(&News::Begin.bytes(), &[])?;
        (self.agent, self.link) = (Some(agent), Some(ours));
        Ok(())
    }

    fn start_worker(&mut self, crew: Crew) -> io::Result<()> {
        let Crew { identity: Identity { uid, gid }, threads } = crew;
        let (ours, theirs) = Packets::pair()?;
        let numbers = [uid, gid, u32::from(threads)].map(|number| number.to_string());
        let [uid, gid, threads] = &numbers;
        let arguments = ["worker", "--uid", uid, "--gid", gid, "--threads", threads];
        self.worker = Some(Child::start("lb", &arguments.map(OsString::from), theirs)?);
        self.way = Some(ours);
        Ok(())
    }

    /// Each gets an end of a new pair.
    fn connect_worker(&self, before: u32, ended: Option<Ending>) -> io::Result<()> {
        let (Some(worker), Some(way), Some(link)) = (&self.worker, &self.way, &self.link) else {
            return Ok(());
        };
        let (agents, workers) = Packets::pair()?;
        way.send(&News::Begin.bytes(), &[workers.as_fd()])?;
        let news = News::Worker { pid: worker.id(), before, ended };
        link.send(&news.bytes(), &[agents.as_fd()])
    }

    /// Whoever keeps it can give it to the next agent.
    fn keep(&mut self, number: u32) {
        match self.beside.take() {
            Some(socket) if self.kept.len() < MOST_KEPT => {
                self.kept.insert(number, socket);
            }
            _ => error!("the agent's socket {number} is not kept"),
        }
    }

    fn start_probe(
        &mut self,
        Identity { uid, gid }: Identity,
        before: u32,
        ended: Option<Ending>,
    ) -> io::Result<()> {
        let (agents, probes) = Packets::pair()?;
        let arguments = ["probe", "--uid", &uid.to_string(), "--gid", &gid.to_string()];
        let probe = Child::start("lb", &arguments.map(OsString::from), probes)?;
        let news = News::Probe { pid: probe.id(), before, ended };
        self.probe = Some(probe);
        let told = self.link.as_ref().map(|link| link.send(&news.bytes(), &[agents.as_fd()]));
        if let Some(Err(error)) = told {
            // It ends by itself when its socket does.
            error!("cannot tell the agent of its probe: {error}");
        }
        Ok(())
    }
}

/// It was killed just now; nobody else will ask how it went.
fn bury(child: Option<Child>) {
    let Some(mut child) = child else { return };
    while child.ended().is_none() {
        _ = poll(&mut [PollFd::new(&child, PollFlags::IN)], None);
    }
}
