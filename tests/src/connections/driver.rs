//! The one thread of all connections: epoll, and a queue of those that pause.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::member::{Member, Progress};
use super::{Plan, Shared};
use crate::load::Failure;

const EVENTS: usize = 256;
/// How late a stop or the end of a pause may be noticed (milliseconds).
const TICK: u8 = 10;
const SILENCE_CHECK: Duration = Duration::from_millis(500);

pub(super) struct Driver {
    epoll: Epoll,
    /// Broken ones are gone.
    members: Vec<Option<Member>>,
    /// When something last came on each.
    heard: Vec<Instant>,
    /// All pause for as long: the first in is the first out.
    pausing: VecDeque<(Instant, usize)>,
    pause: Duration,
    timeout: Duration,
    shared: Arc<Shared>,
}

impl Driver {
    /// A driver of connections whose first requests are still to be sent.
    pub(super) fn new(members: Vec<Member>, plan: &Plan, shared: Arc<Shared>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (number, member) in members.iter().enumerate() {
            epoll.add(member.stream(), EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
        }
        let now = Instant::now();
        Ok(Self {
            epoll,
            heard: vec![now; members.len()],
            pausing: (0..members.len()).map(|number| (now, number)).collect(),
            members: members.into_iter().map(Some).collect(),
            pause: plan.pause,
            timeout: plan.timeout,
            shared,
        })
    }

    /// Until it is told to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS];
        let mut next_check = Instant::now();
        while !self.shared.stop.load(Ordering::Relaxed) {
            let count = match self.epoll.wait(&mut events, TICK) {
                Err(nix::Error::EINTR) => 0,
                other => other?,
            };
            let now = Instant::now();
            for event in &events[..count] {
                self.read(usize::try_from(event.data()).map_err(io::Error::other)?, now);
            }
            self.ask_those_due(now);
            if now >= next_check {
                self.check_silence(now);
                next_check = now + SILENCE_CHECK;
            }
        }
        Ok(())
    }

    fn read(&mut self, number: usize, now: Instant) {
        let Some(member) = &mut self.members[number] else { return };
        match member.read() {
            Ok(Progress { bytes, done }) => {
                let mut records = self.shared.records();
                let record = &mut records[number];
                record.bytes += bytes as u64;
                if record.server.is_empty() {
                    member.server().clone_into(&mut record.server);
                }
                self.heard[number] = now;
                if done {
                    self.pausing.push_back((now + self.pause, number));
                }
            }
            Err(failure) => self.broken(number, failure),
        }
    }

    fn ask_those_due(&mut self, now: Instant) {
        while let Some(&(due, number)) = self.pausing.front()
            && due <= now
        {
            self.pausing.pop_front();
            let asked = self.members[number].as_mut().map_or(Ok(()), Member::ask);
            if let Err(failure) = asked {
                self.broken(number, failure);
            }
        }
    }

    fn check_silence(&mut self, now: Instant) {
        for number in 0..self.members.len() {
            let silent = now.duration_since(self.heard[number]);
            if self.members[number].is_some() && silent > self.timeout + self.pause {
                self.broken(number, Failure::Timeout);
            }
        }
    }

    fn broken(&mut self, number: usize, failure: Failure) {
        // Closing the socket takes it out of the epoll.
        self.members[number] = None;
        self.shared.records()[number].broken = Some(failure);
    }
}
