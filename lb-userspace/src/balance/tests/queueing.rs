//! Queues, step by step: who goes on, and that nobody is forgotten.

use std::{collections::VecDeque, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Threads of two workers with one pool, each step of which is taken at once.
struct World<'a> {
    threads: Vec<(Thread, Dispatcher<'a>, &'a WakeList)>,
    cells: &'a [Cell],
    pool: &'a Cell,
    going: Vec<Slot<'a>>,
    /// In the order in which they began to wait: the thread and its ticket.
    waiting: VecDeque<(usize, Ticket)>,
    now: Duration,
}

impl<'a> World<'a> {
    fn new(
        memory: &'a (Vec<Cell>, Cell, Vec<WakeList>),
        pool: &Arc<Snapshot>,
        most_waiting: usize,
    ) -> Self {
        let (cells, pool_cell, lists) = memory;
        let part = |(index, wakes): (usize, &'a WakeList)| {
            let lane = if index % 2 == 0 { Lane::A } else { Lane::B };
            let thread = Thread::new(lane, u8::try_from(index / 2).unwrap()).unwrap();
            let settings = Settings {
                cells,
                pool: pool_cell,
                wakes,
                thread,
                most_waiting,
                queue_timeout: TIMEOUT,
            };
            (thread, Dispatcher::new(settings, Balancer::new(Arc::clone(pool), 0)), wakes)
        };
        let threads = lists.iter().enumerate().map(part).collect();
        Self {
            threads,
            cells,
            pool: pool_cell,
            going: vec![],
            waiting: VecDeque::new(),
            now: Duration::ZERO,
        }
    }

    fn memory(servers: usize, threads: usize) -> (Vec<Cell>, Cell, Vec<WakeList>) {
        let cells = (0..servers).map(|_| Cell::default()).collect();
        (cells, Cell::default(), (0..threads).map(|_| WakeList::default()).collect())
    }

    fn arrive(&mut self, thread: usize, key: u64) {
        let request = Request { key: Some(key), random: key, ..Request::default() };
        match self.threads[thread].1.arrive(&request, self.now) {
            Arrival::Go(slot) => self.going.push(slot),
            Arrival::Wait(ticket) => self.waiting.push_back((thread, ticket)),
            Arrival::Full | Arrival::Nobody => {}
        }
        self.settle();
    }

    fn wake(&mut self, thread: usize) {
        for (ticket, slot) in self.threads[thread].1.woken() {
            self.going.push(slot);
            self.waiting.retain(|waiting| *waiting != (thread, ticket));
        }
    }

    /// Wakes whoever is to be woken, until nobody is.
    fn settle(&mut self) {
        for round in 0.. {
            let lists =
                self.threads.iter().flat_map(|(_, _, list)| list.take().iter().collect::<Vec<_>>());
            let woken: Vec<_> = lists.collect();
            if woken.is_empty() {
                return;
            }
            assert!(round < 100, "wakes go round and round");
            for thread in woken {
                let index = self.threads.iter().position(|(one, ..)| *one == thread).unwrap();
                self.wake(index);
            }
        }
    }

    /// What holds whenever nothing is under way.
    fn check(&self, pool: &Snapshot) {
        for server in pool.open() {
            let cell = &self.cells[usize::from(server.place.0)];
            let held = self.going.iter().filter(|slot| slot.place() == server.place).count();
            assert_eq!(cell.held() as usize, held);
            let limit = server.max_connections.unwrap().get();
            assert!(cell.held() <= limit, "{} of {limit}", cell.held());
            let wanted = cell.waiting() + self.pool.waiting();
            assert!(
                wanted == 0 || cell.held() == limit,
                "room at {:?}, and {wanted} wait",
                server.place
            );
        }
        let counted = self.cells.iter().map(Cell::waiting).sum::<u32>() + self.pool.waiting();
        assert_eq!(counted as usize, self.waiting.len());
        assert_eq!(self.pool.held() as usize, self.going.len());
    }
}

#[test]
fn in_the_order_of_their_arrival() {
    let memory = World::memory(1, 1);
    let pool = snapshot(&[server(0, 1, 1)], Algorithm::RoundRobin);
    let mut world = World::new(&memory, &pool, 2);
    for _ in 0..4 {
        world.arrive(0, 0);
    }
    let [first, second] = [world.waiting[0], world.waiting[1]];
    assert_eq!((world.going.len(), world.waiting.len()), (1, 2), "the fourth finds the queue full");
    for left in [vec![second], vec![]] {
        drop(world.going.pop());
        world.settle();
        assert_eq!(
            (world.going.len(), world.waiting.iter().copied().collect::<Vec<_>>()),
            (1, left)
        );
    }
    assert!(first < second);
}

#[test]
fn threads_take_turns() {
    let memory = World::memory(1, 4);
    let pool = snapshot(&[server(0, 1, 1)], Algorithm::LeastConnections);
    let mut world = World::new(&memory, &pool, 9);
    for thread in [0, 0, 0, 0, 1, 2, 3] {
        world.arrive(thread, 0);
    }
    let mut order = vec![];
    while let Some(slot) = world.going.pop() {
        let before = world.waiting.clone();
        drop(slot);
        world.settle();
        order.extend(before.iter().find(|one| !world.waiting.contains(one)).map(|one| one.0));
    }
    // Threads 0 and 2 are of one worker, 1 and 3 of the other.
    assert_eq!(order, [2, 1, 3, 0, 0, 0]);
}

#[test]
fn time_goes_by() {
    let memory = World::memory(1, 2);
    let pool = snapshot(&[server(0, 1, 1)], Algorithm::First);
    let mut world = World::new(&memory, &pool, 9);
    world.arrive(0, 0);
    world.arrive(1, 0);
    world.now = Duration::from_secs(5);
    world.arrive(1, 0);
    let [first, second] = [world.waiting[0].1, world.waiting[1].1];
    let dispatcher = &mut world.threads[1].1;
    assert_eq!(dispatcher.next_deadline(), Some(TIMEOUT));
    assert_eq!(dispatcher.expire(TIMEOUT - Duration::from_millis(1)), []);
    assert_eq!(dispatcher.expire(TIMEOUT), [first]);
    assert_eq!(dispatcher.next_deadline(), Some(Duration::from_secs(35)));
    assert_eq!(world.pool.waiting(), 1);
    dispatcher.cancel(second);
    dispatcher.cancel(second);
    assert_eq!((dispatcher.next_deadline(), world.pool.waiting()), (None, 0));
}

#[test]
fn who_waits_for_a_server_that_goes_down_waits_for_any() {
    let memory = World::memory(2, 1);
    let mut all = [server(0, 1, 1), server(1, 1, 1)];
    let pool = snapshot(&all, HASHED);
    let mut world = World::new(&memory, &pool, 9);
    world.arrive(0, 7);
    world.arrive(0, 7);
    let owner = world.going[0].place();
    assert_eq!((memory.0[usize::from(owner.0)].waiting(), world.waiting.len()), (1, 1));
    all[usize::from(owner.0)].standing = Standing::Down;
    let pool = snapshot(&all, HASHED);
    world.threads[0].1.change(Arc::clone(&pool));
    world.wake(0);
    assert_eq!((world.going.len(), world.waiting.len()), (2, 0));
    assert_ne!(world.going[1].place(), owner);
    world.check(&pool);
    all.iter_mut().for_each(|server| server.standing = Standing::Maintenance);
    world.threads[0].1.change(snapshot(&all, HASHED));
    assert!(matches!(world.threads[0].1.arrive(&Request::default(), world.now), Arrival::Nobody));
}

#[test]
fn a_worker_that_is_killed_makes_room() {
    let memory = World::memory(1, 2);
    let pool = snapshot(&[server(0, 1, 1)], Algorithm::RoundRobin);
    let mut world = World::new(&memory, &pool, 9);
    world.arrive(0, 0);
    world.arrive(0, 0);
    world.arrive(1, 0);
    // Nothing of worker A is dropped in order; the supervisor sees its end.
    let (_, dead, _) = world.threads.remove(0);
    std::mem::forget(dead);
    std::mem::forget(world.going.pop());
    world.waiting.pop_front();
    assert_eq!(world.pool.fold(Lane::A), Threads::of(world.threads[0].0));
    assert!(world.cells[0].fold(Lane::A).is_empty());
    world.wake(0);
    // It was the second of two threads.
    world.waiting.retain(|(thread, _)| *thread != 1);
    assert_eq!(world.going.len(), 1);
    world.check(&pool);
}

#[test]
fn a_thread_that_ends_in_order_leaves_nothing_behind() {
    let memory = World::memory(1, 1);
    let pool = snapshot(&[server(0, 1, 1)], HASHED);
    let mut world = World::new(&memory, &pool, 9);
    (0..3).for_each(|_| world.arrive(0, 1));
    drop(world);
    let (cells, pool, _) = &memory;
    assert_eq!((cells[0].held(), cells[0].waiting(), pool.held(), pool.waiting()), (0, 0, 0, 0));
    assert!(cells[0].fold(Lane::B).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_waits_while_there_is_room(
        limits in vec(1_u32..4, 1..4), hashed in any::<bool>(),
        steps in vec((0_u8..10, 0_usize..4, any::<u64>()), 1..120),
    ) {
        let memory = World::memory(limits.len(), 4);
        let mut all: Vec<_> = (0..).zip(&limits).map(|(number, limit)| server(number, 1, *limit)).collect();
        let algorithm = if hashed { HASHED } else { Algorithm::RoundRobin };
        let mut pool = snapshot(&all, algorithm);
        let mut world = World::new(&memory, &pool, 6);
        for (step, which, random) in steps {
            let some = |count: usize| usize::try_from(random % count as u64).unwrap();
            match step {
                0..5 => world.arrive(which, random),
                5..8 if !world.going.is_empty() => drop(world.going.swap_remove(some(world.going.len()))),
                8 if !world.waiting.is_empty() => {
                    let (thread, ticket) = world.waiting.remove(some(world.waiting.len())).unwrap();
                    world.threads[thread].1.cancel(ticket);
                }
                9 => {
                    let server = &mut all[some(limits.len())];
                    let up = server.standing == Standing::Up;
                    server.standing = if up { Standing::Down } else { Standing::Up };
                    pool = snapshot(&all, algorithm);
                    for index in 0..world.threads.len() {
                        world.threads[index].1.change(Arc::clone(&pool));
                    }
                    for index in 0..world.threads.len() {
                        world.wake(index);
                    }
                }
                _ => {}
            }
            world.settle();
            world.check(&pool);
        }
    }
}
