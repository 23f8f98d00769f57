//! Times on a virtual clock.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ids(count: u64) -> impl Iterator<Item = CheckId> {
    (1..=count).map(CheckId)
}

fn rhythm(interval: Duration, place: u64) -> Rhythm {
    Rhythm { interval, jitter: Jitter::NONE, warm_up: None, place }
}

fn with(most: usize, checks: u64, place: u64) -> Scheduler {
    let mut scheduler = Scheduler::new(most);
    ids(checks).for_each(|id| scheduler.add(id, rhythm(2 * SECOND, place), Duration::ZERO));
    scheduler
}

#[test]
fn checks_keep_their_interval_whatever_they_take() {
    let mut scheduler = with(1, 1, u64::MAX);
    let id = CheckId(1);
    let first = scheduler.next_deadline().expect("it is due");
    assert_eq!(scheduler.begin(first), Some(id));
    scheduler.finished(id, first);
    let second = scheduler.next_deadline().expect("it is due");
    assert_eq!(scheduler.begin(second + SECOND / 100), Some(id));
    scheduler.finished(id, second + SECOND / 3);
    assert_eq!(scheduler.next_deadline(), Some(second + 2 * SECOND));
    scheduler.begin(second + 2 * SECOND);
    scheduler.finished(id, second + 9 * SECOND);
    assert_eq!(scheduler.next_deadline(), Some(second + 9 * SECOND), "late: at once, never twice");
}

#[test]
fn a_doubt_makes_the_next_check_due_at_once() {
    let mut scheduler = with(1, 1, 0);
    let id = CheckId(1);
    scheduler.begin(Duration::ZERO);
    scheduler.hurry(id, Duration::ZERO);
    assert_eq!(scheduler.begin(Duration::ZERO), None, "one at a time");
    scheduler.finished(id, Duration::ZERO);
    let now = SECOND / 10;
    assert_eq!(scheduler.begin(now), None);
    scheduler.hurry(id, now);
    assert_eq!(scheduler.begin(now), Some(id));
    scheduler.hurry(CheckId(7), now);
}

/// Begins and ends a check when it is due; says when that was.
fn make(scheduler: &mut Scheduler, id: CheckId) -> Duration {
    let due = scheduler.next_deadline().expect("it is due");
    assert_eq!(scheduler.begin(due), Some(id));
    scheduler.finished(id, due);
    due
}

#[test]
fn another_interval_counts_from_the_last_check() {
    let (mut scheduler, id) = (with(1, 1, 0), CheckId(1));
    scheduler.pace(id, SECOND / 10, Duration::ZERO);
    assert_eq!(make(&mut scheduler, id), Duration::ZERO, "the first one stays");
    scheduler.pace(id, 2 * SECOND, Duration::ZERO);
    let second = make(&mut scheduler, id);
    assert_eq!(second, SECOND, "the second moves to its place");
    scheduler.pace(id, SECOND / 5, second + SECOND / 100);
    let third = make(&mut scheduler, id);
    assert_eq!(third, second + SECOND / 5);
    scheduler.pace(id, 10 * SECOND, third);
    scheduler.pace(id, SECOND / 5, third + SECOND);
    assert_eq!(scheduler.next_deadline(), Some(third + SECOND), "it is due by now: at once");
    scheduler.begin(third + SECOND);
    scheduler.pace(id, SECOND, third + SECOND);
    scheduler.finished(id, third + SECOND);
    assert_eq!(scheduler.next_deadline(), Some(third + 2 * SECOND), "changed under way");
    scheduler.pace(CheckId(7), SECOND, third);
}

#[test]
fn the_first_checks_take_their_time_to_warm_up() {
    let mut scheduler = Scheduler::new(1);
    let slow = Rhythm { warm_up: Some(60 * SECOND), ..rhythm(SECOND, 1 << 63) };
    scheduler.add(CheckId(1), slow, SECOND);
    assert_eq!(scheduler.next_deadline(), Some(31 * SECOND));
}

#[test]
fn the_others_wait_and_lateness_is_counted() {
    let mut scheduler = with(2, 3, 0);
    assert_eq!(scheduler.begin(Duration::ZERO), Some(CheckId(1)));
    assert_eq!(scheduler.begin(Duration::ZERO), Some(CheckId(2)));
    assert_eq!((scheduler.begin(SECOND), scheduler.next_deadline()), (None, None));
    scheduler.finished(CheckId(1), SECOND);
    assert_eq!(scheduler.begin(SECOND), Some(CheckId(3)));
    assert_eq!(scheduler.lateness(), Lateness { late: 1, worst: SECOND });
    scheduler.remove(CheckId(2));
    scheduler.finished(CheckId(2), SECOND);
    assert_eq!(scheduler.running(), 1, "what was stopped has made room");
}

proptest! {
    /// Whatever happens: no more than allowed, nothing that is not due, never the same twice at a time.
    #[test]
    fn bounded_and_in_time(
        most in 1usize..5,
        steps in prop::collection::vec((0u8..6, 0u64..8, 0u64..2_000), 0..300),
    ) {
        let mut scheduler = Scheduler::new(most);
        let (mut running, mut now) = (BTreeSet::new(), Duration::ZERO);
        for (step, id, time) in steps {
            let id = CheckId(id);
            match step {
                0 => {
                    running.remove(&id);
                    scheduler.add(id, rhythm(SECOND, id.0 << 60), now);
                }
                1 => {
                    running.remove(&id);
                    scheduler.remove(id);
                }
                2 => scheduler.hurry(id, now),
                4 => scheduler.pace(id, Duration::from_millis(time + 1), now),
                3 => {
                    running.remove(&id);
                    scheduler.finished(id, now);
                }
                _ => now += Duration::from_millis(time),
            }
            let due = scheduler.next_deadline();
            while let Some(begun) = scheduler.begin(now) {
                prop_assert!(due.is_some_and(|due| due <= now));
                prop_assert!(running.insert(begun), "it is under way already");
                prop_assert!(running.len() <= most);
            }
            prop_assert_eq!(scheduler.running(), running.len());
            prop_assert!(scheduler.next_deadline().is_none_or(|due| due > now));
        }
    }

    /// Checks with evenly spread places are made evenly over the interval.
    #[test]
    fn checks_are_spread(place: u64) {
        let mut scheduler = with(1, 1, place);
        let first = scheduler.next_deadline().expect("it is due");
        prop_assert!(first < FIRST_CHECK_WITHIN);
        scheduler.begin(first);
        scheduler.finished(CheckId(1), first);
        let gap = scheduler.next_deadline().expect("it is due") - first;
        prop_assert!(gap >= SECOND && gap < 3 * SECOND);
    }

    /// Jitter stays within its part of the interval, and is no constant.
    #[test]
    fn jitter_has_its_bounds(place: u64, percent in 1u8..=50) {
        let jitter = Jitter::new(percent).expect("in range");
        let mut scheduler = Scheduler::new(1);
        scheduler.add(CheckId(1), Rhythm { jitter, ..rhythm(SECOND, place) }, Duration::ZERO);
        make(&mut scheduler, CheckId(1));
        let mut last = make(&mut scheduler, CheckId(1));
        let mut gaps = BTreeSet::new();
        for _ in 0..20 {
            let now = make(&mut scheduler, CheckId(1));
            let gap = now - last;
            prop_assert!(gap >= SECOND - jitter.of(SECOND) && gap <= SECOND + jitter.of(SECOND));
            gaps.insert(gap);
            last = now;
        }
        prop_assert!(gaps.len() > 10, "{gaps:?}");
    }
}
