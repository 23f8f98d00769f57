//! Both halves of a word, its limits, and threads around a table.

use proptest::{collection::vec, prelude::*};

use super::*;

fn limit(limit: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(limit)
}

fn thread(lane: Lane, index: u8) -> Thread {
    Thread::new(lane, index).unwrap()
}

#[test]
fn a_limit_is_for_both_generations() {
    let cell = Cell::default();
    assert!(cell.take(Lane::A, limit(2)) && cell.take(Lane::B, limit(2)));
    assert!(!cell.take(Lane::A, limit(2)) && !cell.take(Lane::B, limit(2)));
    assert!(!cell.has_room(limit(2)) && cell.has_room(None));
    cell.give_back(Lane::B);
    assert_eq!(cell.held(), 1);
    assert!(cell.take(Lane::A, limit(2)));
}

#[test]
fn what_a_dead_worker_held_is_free() {
    let cell = Cell::default();
    for lane in [Lane::A, Lane::A, Lane::B] {
        assert!(cell.take(lane, None));
        cell.begin_to_wait(thread(lane, 3));
    }
    assert_eq!(cell.fold(Lane::A), Threads::of(thread(Lane::B, 3)));
    assert_eq!((cell.held(), cell.waiting()), (1, 1));
    // A thread of it that was not quite dead.
    cell.give_back(Lane::A);
    cell.end_to_wait(thread(Lane::A, 3), true);
    assert_eq!((cell.held(), cell.waiting()), (1, 1));
}

#[test]
fn whatever_another_process_has_written_is_survived() {
    for (a, b) in [(u32::MAX, 0), (0, u32::MAX), (u32::MAX, u32::MAX), (7, u32::MAX)] {
        let word = || AtomicU64::new(u64::from(a) | u64::from(b) << 32);
        let cell = Cell {
            held: word(),
            waiting: word(),
            sleepers: [AtomicU64::new(u64::MAX), AtomicU64::new(1 << 63)],
        };
        assert_eq!(cell.held(), u32::MAX);
        assert!(!cell.take(Lane::A, limit(5)) && !cell.take(Lane::B, None));
        cell.begin_to_wait(thread(Lane::A, 0));
        cell.end_to_wait(thread(Lane::A, 0), true);
        assert_eq!(cell.sleepers().iter().count(), 64);
        for lane in Lane::ALL {
            cell.fold(lane);
        }
        assert_eq!((cell.held(), cell.waiting(), cell.sleepers()), (0, 0, Threads::default()));
        cell.give_back(Lane::A);
        assert_eq!(cell.held(), 0);
    }
}

#[test]
fn everybody_at_the_table_has_a_turn() {
    let all = [(Lane::A, 0), (Lane::A, 5), (Lane::A, 63), (Lane::B, 0), (Lane::B, 63)]
        .map(|(lane, index)| thread(lane, index));
    let set = all.iter().fold(Threads::default(), |set, one| set.and(Threads::of(*one)));
    assert_eq!(set.iter().collect::<Vec<_>>(), all);
    for (index, one) in all.iter().enumerate() {
        assert_eq!(set.after(*one), Some(all[(index + 1) % all.len()]));
        assert_eq!(Threads::of(*one).after(*one), Some(*one));
        assert_eq!(set.without(*one).iter().count(), 4);
    }
    assert_eq!(Threads::default().after(all[0]), None);
    assert_eq!(Thread::new(Lane::A, 64), None);
}

proptest! {
    #[test]
    fn counts_are_those_of_a_model(steps in vec((any::<bool>(), any::<bool>(), 1_u32..6), 0..60)) {
        let cell = Cell::default();
        let mut model = [0_u32; 2];
        for (second, take, most) in steps {
            let lane = Lane::ALL[usize::from(second)];
            let mine = &mut model[lane.index()];
            if take {
                let before = *mine;
                let fits = model.iter().sum::<u32>() < most;
                prop_assert_eq!(cell.take(lane, limit(most)), fits);
                model[lane.index()] = before + u32::from(fits);
            } else {
                *mine = mine.saturating_sub(1);
                cell.give_back(lane);
            }
            prop_assert_eq!(cell.held(), model.iter().sum::<u32>());
        }
    }
}
