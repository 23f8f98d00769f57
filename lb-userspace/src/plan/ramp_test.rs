//! Slow starts on a virtual clock.

use super::*;
use crate::plan::{
    Operator,
    sample::{name, pools, real},
};

const SECOND: Duration = Duration::from_secs(1);

/// A pool of two, with a slow start of 100 s.
fn effective(servers: &[u8]) -> Effective {
    let mut config = pools(&[("web", servers)]);
    config.pools[0].slow_start = Some(100 * SECOND);
    Operator::default().apply(&config)
}

fn percent(starts: &SlowStarts, number: u8) -> u8 {
    starts.ramp(&name("web"), real(number)).get()
}

#[test]
fn ten_steps_and_it_is_over() {
    let began = Instant::now();
    let mut starts = SlowStarts::default();
    starts.look(&effective(&[1, 2]), |_, server| server.address == real(1), began);
    starts.look(&effective(&[1, 2]), |_, _| true, began);
    assert_eq!((percent(&starts, 1), percent(&starts, 2)), (100, 10));
    let mut seen = vec![percent(&starts, 2)];
    let mut now = began;
    while let Some(next) = starts.next_deadline() {
        assert!(!starts.advance(next - SECOND), "nothing is due between two steps");
        assert!(starts.advance(next), "{:?}", next - began);
        (now, _) = (next, seen.push(percent(&starts, 2)));
    }
    assert_eq!(seen, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    assert_eq!(now - began, 90 * SECOND, "the tenth step is all of it");
    assert!(!starts.advance(now + 1_000 * SECOND));
}

#[test]
fn steps_that_were_missed_are_made_up_for() {
    let began = Instant::now();
    let mut starts = SlowStarts::default();
    starts.look(&effective(&[1]), |_, _| false, began);
    starts.look(&effective(&[1]), |_, _| true, began);
    assert!(starts.advance(began + 55 * SECOND));
    assert_eq!(percent(&starts, 1), 60);
    assert_eq!(starts.next_deadline(), Some(began + 60 * SECOND));
}

#[test]
fn nobody_starts_slowly_with_the_agent_or_with_its_pool() {
    let now = Instant::now();
    let mut starts = SlowStarts::default();
    starts.look(&effective(&[1, 2]), |_, _| true, now);
    assert_eq!((percent(&starts, 1), percent(&starts, 2)), (100, 100));
    let mut starts = SlowStarts::default();
    starts.look(&Operator::default().apply(&pools(&[])), |_, _| true, now);
    starts.look(&effective(&[1]), |_, _| true, now);
    assert_eq!(percent(&starts, 1), 100, "a pool that is new has nobody to spare it");
}

#[test]
fn who_is_added_to_a_pool_starts_slowly() {
    let now = Instant::now();
    let mut starts = SlowStarts::default();
    starts.look(&effective(&[1]), |_, _| true, now);
    starts.look(&effective(&[1, 2]), |_, _| true, now);
    assert_eq!((percent(&starts, 1), percent(&starts, 2)), (100, 10));
}

#[test]
fn who_fails_again_begins_again() {
    let began = Instant::now();
    let (all, none) = (|_: &Pool, _: &RealServer| true, |_: &Pool, _: &RealServer| false);
    let mut starts = SlowStarts::default();
    starts.look(&effective(&[1]), none, began);
    starts.look(&effective(&[1]), all, began);
    starts.look(&effective(&[1]), all, began + 50 * SECOND);
    assert_eq!(percent(&starts, 1), 60, "looking again changes nothing");
    starts.look(&effective(&[1]), none, began + 51 * SECOND);
    assert_eq!(starts.next_deadline(), None);
    starts.look(&effective(&[1]), all, began + 52 * SECOND);
    assert_eq!(percent(&starts, 1), 10);
}

#[test]
fn a_pool_without_slow_start_gives_all_at_once() {
    let now = Instant::now();
    let config = Operator::default().apply(&pools(&[("web", &[1])]));
    let mut starts = SlowStarts::default();
    starts.look(&config, |_, _| false, now);
    starts.look(&config, |_, _| true, now);
    assert_eq!((percent(&starts, 1), starts.next_deadline()), (100, None));
}
