//! Many threads of two generations on one server with room for one: never two at once, and everybody comes.

use std::{
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::*;

/// Where a thread sleeps until it is woken.
#[derive(Default)]
struct Bed {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Bed {
    fn wake(&self) {
        *self.woken.lock().unwrap() = true;
        self.bell.notify_one();
    }

    /// A wake that was lost is a failure, and does not hang the test.
    fn sleep(&self) {
        let woken = self.woken.lock().unwrap();
        let patience = Duration::from_secs(60);
        let (mut woken, late) =
            self.bell.wait_timeout_while(woken, patience, |woken| !*woken).unwrap();
        assert!(!late.timed_out(), "forgotten");
        *woken = false;
    }
}

struct World {
    cells: Vec<Cell>,
    pool: Cell,
    beds: Vec<(Thread, Bed)>,
    inside: Vec<AtomicU32>,
    most: Vec<AtomicU32>,
    done: AtomicUsize,
}

impl World {
    fn new(servers: usize, threads: u8) -> Self {
        let bed = |index| {
            let lane = if index % 2 == 0 { Lane::A } else { Lane::B };
            (Thread::new(lane, index / 2).unwrap(), Bed::default())
        };
        Self {
            cells: (0..servers).map(|_| Cell::default()).collect(),
            pool: Cell::default(),
            beds: (0..threads).map(bed).collect(),
            inside: (0..servers).map(|_| AtomicU32::new(0)).collect(),
            most: (0..servers).map(|_| AtomicU32::new(0)).collect(),
            done: AtomicUsize::new(0),
        }
    }

    fn ring_bells(&self, list: &WakeList) {
        for thread in list.take().iter() {
            self.beds.iter().find(|(one, _)| *one == thread).unwrap().1.wake();
        }
    }

    /// A request at its server.
    fn visit(&self, slot: Slot<'_>) {
        let place = usize::from(slot.place().0);
        let inside = self.inside[place].fetch_add(1, SeqCst) + 1;
        self.most[place].fetch_max(inside, SeqCst);
        thread::yield_now();
        self.inside[place].fetch_sub(1, SeqCst);
        drop(slot);
        self.done.fetch_add(1, SeqCst);
    }

    /// One thread's requests, some at a time; halfway it gets a new configuration.
    fn work(&self, index: usize, requests: usize, pools: &[Arc<Snapshot>; 2]) {
        let wakes = WakeList::default();
        let (thread, bed) = &self.beds[index];
        let settings = Settings {
            cells: &self.cells,
            pool: &self.pool,
            wakes: &wakes,
            thread: *thread,
            most_waiting: requests,
            queue_timeout: Duration::from_secs(60),
        };
        let mut part =
            Dispatcher::new(settings, Balancer::new(Arc::clone(&pools[0]), index as u64));
        for number in 0..requests {
            if number == requests / 2 {
                part.change(Arc::clone(&pools[1]));
                let granted = part.woken();
                granted.into_iter().for_each(|(_, slot)| self.visit(slot));
            }
            let mut waits = None;
            for _ in 0..2 {
                let request = Request { key: Some(number as u64), ..Request::default() };
                match part.arrive(&request, Duration::ZERO) {
                    Arrival::Go(slot) => self.visit(slot),
                    Arrival::Wait(ticket) => waits = Some(ticket),
                    other => panic!("{other:?}"),
                }
                self.ring_bells(&wakes);
            }
            while waits.is_some() {
                bed.sleep();
                for (ticket, slot) in part.woken() {
                    waits = waits.filter(|last| *last != ticket);
                    self.visit(slot);
                }
                self.ring_bells(&wakes);
            }
        }
        drop(part);
        self.ring_bells(&wakes);
    }

    fn run(&self, requests: usize, pools: &[Arc<Snapshot>; 2]) {
        thread::scope(|scope| {
            for index in 0..self.beds.len() {
                scope.spawn(move || self.work(index, requests, pools));
            }
        });
        assert_eq!(self.done.load(SeqCst), self.beds.len() * requests * 2);
        for cell in self.cells.iter().chain([&self.pool]) {
            assert_eq!((cell.held(), cell.waiting()), (0, 0));
        }
    }
}

#[test]
fn never_two_at_once_where_there_is_room_for_one() {
    let pool = snapshot(&[server(0, 1, 1)], Algorithm::RoundRobin);
    let world = World::new(1, 8);
    world.run(1_000, &[Arc::clone(&pool), pool]);
    assert_eq!(world.most[0].load(SeqCst), 1);
}

#[test]
fn limits_hold_through_a_change_of_the_pool() {
    for algorithm in [Algorithm::LeastConnections, HASHED] {
        let all: Vec<_> = (0..3).map(|number| server(number, 1, u32::from(number) + 1)).collect();
        let mut other = all.clone();
        other[1].standing = Standing::Drain;
        let world = World::new(3, 8);
        world.run(500, &[snapshot(&all, algorithm), snapshot(&other, algorithm)]);
        for (number, most) in (1..).zip(&world.most) {
            assert!(most.load(SeqCst) <= number, "{most:?} of {number}");
        }
    }
}
