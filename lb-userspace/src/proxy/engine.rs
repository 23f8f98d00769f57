//! What belongs to a thread, whatever its configuration: its clock, buffers and timers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clock::{self, Clock};
use super::http::Work;
use super::log::LogBuffer;
use super::shared::Shared;
use super::splice::Pipes;
use super::timers::Timers;
use crate::access_log::Moment;
use crate::balance::WakeList;
use crate::http::date::imf_fixdate;
use crate::http::{Limits, ResponseReader};

/// Bytes of the buffer that everything is read into.
const SCRATCH: usize = 256 * 1024;
/// Workspaces that are kept, and how large they may be for that.
const MOST_SPARE: usize = 256;
const LARGEST_SPARE: usize = 64 * 1024;
/// Bytes of a Date field's value.
const DATE: usize = 29;

/// How far a thread has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It serves.
    Running,
    /// Nothing is accepted any more; connections end with their next response.
    Draining,
    /// All connections are closed.
    Stopping,
}

/// Those of one thread.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) timers: Rc<Timers>,
    /// Read into, parsed, and free again before anybody else's turn.
    pub(super) scratch: RefCell<Box<[u8]>>,
    /// For heads that come in one piece.
    pub(super) responses: RefCell<ResponseReader>,
    /// For large bodies.
    pub(super) pipes: Rc<Pipes>,
    /// Connections of clients.
    pub(super) connections: Cell<u32>,
    pub(super) shared: Shared,
    pub(super) phase: Cell<Phase>,
    pub(super) log: Arc<LogBuffer>,
    lines: Cell<u64>,
    /// The number of this process, for logs.
    pub(super) process: u32,
    pub(super) wakes: &'static WakeList,
    spare: RefCell<Vec<Work>>,
    clock: Clock,
    /// The time of day when the thread began, corrected with each tick.
    origin: Cell<Duration>,
    date: Cell<([u8; DATE], u64)>,
    random: Cell<u64>,
}

impl Engine {
    pub(super) fn new(shared: Shared) -> Rc<Self> {
        // One for each thread that ever was, for as long as its process: a few bytes.
        let wakes: &'static WakeList = Box::leak(Box::default());
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = u64::from(wall.subsec_nanos()) << 8 | u64::from(shared.thread.index()) | 1;
        let engine = Self {
            timers: Timers::new(),
            scratch: RefCell::new(vec![0; SCRATCH].into()),
            responses: RefCell::new(ResponseReader::new(Limits::default())),
            pipes: Rc::default(),
            connections: Cell::new(0),
            phase: Cell::new(Phase::Running),
            log: Arc::clone(&shared.log),
            lines: Cell::new(0),
            process: std::process::id(),
            wakes,
            spare: RefCell::default(),
            clock: Clock::new(),
            origin: Cell::new(wall),
            date: Cell::new(([b' '; DATE], 0)),
            random: Cell::new(seed),
            shared,
        };
        engine.tick();
        Rc::new(engine)
    }

    /// With each tick.
    pub(super) fn tick(&self) {
        self.shared.pulse.beat();
        clock::forget();
        let elapsed = self.elapsed();
        self.timers.turn(elapsed);
        self.pipes.tick();
        if let Ok(wall) = SystemTime::now().duration_since(UNIX_EPOCH) {
            self.origin.set(wall.saturating_sub(elapsed));
            if self.date.get().1 != wall.as_secs()
                && let Ok(date) = imf_fixdate(wall.as_secs()).into_bytes().try_into()
            {
                self.date.set((date, wall.as_secs()));
            }
        }
    }

    /// Wakes the threads that a slot was given back for.
    pub(super) fn settle(&self) {
        let threads = self.wakes.take();
        if !threads.is_empty() {
            self.shared.wake(threads);
        }
    }

    /// Clients of all configurations.
    pub(super) fn clients(&self) -> u32 {
        self.connections.get()
    }

    /// Since the thread has begun: as it was when this turn began, or a few uses ago.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.now()
    }

    /// A time since the thread has begun, by the calendar.
    pub(super) fn moment(&self, at: Duration) -> Moment {
        let micros = (self.origin.get() + at).as_micros();
        Moment { micros: u64::try_from(micros).unwrap_or(u64::MAX), offset: 0 }
    }

    /// The value of a Date field.
    pub(super) fn date(&self) -> [u8; DATE] {
        self.date.get().0
    }

    /// Lines of the access log before this one.
    pub(super) fn count_line(&self) -> u64 {
        self.lines.replace(self.lines.get() + 1)
    }

    /// Lines of the access log so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines.get()
    }

    /// Any number (xorshift).
    pub(super) fn random(&self) -> u64 {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random.set(random);
        random
    }

    pub(super) fn take_work(&self) -> Work {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, mut work: Work) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MOST_SPARE && work.size() <= LARGEST_SPARE {
            work.clear();
            spare.push(work);
        }
    }
}
