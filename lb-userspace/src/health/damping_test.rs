//! Tests of [`super`]: a table, and any story of changes.

use proptest::prelude::*;

use super::*;
use State::{Down, Up};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// More than two changes within ten seconds: down until five are quiet.
const DAMPING: Damping = Damping { changes: 2, within: seconds(10), hold: seconds(5) };

#[test]
fn held_until_it_is_quiet() {
    let mut damper = Damper::default();
    for (at, held) in [(0, false), (4, false), (10, false), (13, true)] {
        assert_eq!(damper.note(seconds(at), &DAMPING), held, "{at}: the first has been forgotten");
    }
    assert_eq!((damper.state(Up), damper.held_until()), (Down, Some(seconds(18))));
    assert!(!damper.advance(seconds(17)));
    assert!(!damper.note(seconds(17), &DAMPING), "it is held already");
    assert!(!damper.advance(seconds(21)), "from the last change on");
    assert!(damper.advance(seconds(22)));
    assert_eq!((damper.state(Up), damper.state(Down), damper.held_until()), (Up, Down, None));
    // All is forgotten.
    for (at, held) in [(22, false), (23, false), (24, true)] {
        assert_eq!(damper.note(seconds(at), &DAMPING), held, "{at}");
    }
}

proptest! {
    /// Whatever happens: nobody is held but for more changes than are allowed, everybody who is held is let go
    /// `hold` after the last change, and what is remembered is bounded.
    #[test]
    fn any_story(
        pauses in prop::collection::vec(0_u64..8, 1..60),
        changes in 2_u8..5, within in 2_u64..30, hold in 1_u64..10,
    ) {
        let damping = Damping { changes, within: seconds(within), hold: seconds(hold) };
        let mut damper = Damper::default();
        let (mut now, mut free): (_, Vec<Duration>) = (seconds(0), Vec::new());
        let mut until = None;
        for pause in pauses {
            now += seconds(pause);
            let over = until.is_some_and(|until| now >= until);
            prop_assert_eq!(damper.advance(now), over);
            if over {
                until = None;
                free.clear();
            }
            let begins = damper.note(now, &damping);
            if until.is_none() {
                free.push(now);
                let recent = free.iter().filter(|at| now - **at < damping.within).count();
                prop_assert_eq!(begins, recent > usize::from(changes));
            }
            if begins || until.is_some() {
                until = Some(now + damping.hold);
            }
            prop_assert_eq!(damper.held_until(), until);
            prop_assert_eq!(damper.state(Down), Down);
            prop_assert_eq!(damper.state(Up) == Down, until.is_some());
            prop_assert!(damper.changes.len() <= usize::from(changes) + 1);
        }
    }
}

#[test]
fn the_next_agent_counts_on() {
    let second = Duration::from_secs(1);
    let rules = Damping { changes: 2, within: 60 * second, hold: 10 * second };
    let mut damper = Damper::default();
    assert!(damper.is_idle() && !damper.note(second, &rules) && !damper.note(2 * second, &rules));
    let mut next = damper.clone().until(3 * second, &rules);
    assert_eq!(next, damper);
    assert!(next.note(3 * second, &rules), "the third change within a minute");
    assert_eq!(next.clone().until(4 * second, &rules).held_until(), next.held_until());
    // Under other rules, and on a clock that has begun anew.
    let shorter = Damping { hold: second, ..rules };
    assert_eq!(next.until(4 * second, &shorter).held_until(), Some(5 * second));
    assert!(damper.until(Duration::ZERO, &rules).is_idle(), "nothing has yet to happen");
}
