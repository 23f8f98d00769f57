//! Checks of servers that answer, fail and hang at random, on a virtual clock: scheduler, checkers, paces and dampers
//! together, as the probe and the agent use them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::model::{Damping, Jitter};

/// The longest that a check takes.
const LONGEST: u64 = 120;

/// One check, and what the test itself knows of it.
struct Played {
    checker: Checker,
    damper: Damper,
    /// The state as the rules of rise and fall have it, and results in a row against it.
    state: Option<State>,
    contrary: u8,
    /// When it was begun, or taken up again, last.
    begun: Duration,
    changes: Vec<Duration>,
}

#[derive(Clone, Debug)]
struct Story {
    checks: u64,
    most: usize,
    rise: u8,
    fall: u8,
    pace: Pace,
    jitter: Jitter,
    /// For each check that is made: what it finds, how long it takes, and what somebody does at its end.
    events: Vec<(bool, u64, u8)>,
}

fn stories() -> impl Strategy<Value = Story> {
    let pace = (20u64..400, 20u64..800, prop::option::of(10u64..200)).prop_map(|times| Pace {
        up: Duration::from_millis(times.0),
        down: Duration::from_millis(times.1),
        changing: times.2.map(Duration::from_millis),
    });
    // Long runs, so that states change.
    let events = prop::collection::vec(
        (any::<bool>(), 1usize..6, prop::collection::vec((0..LONGEST, 0u8..40), 6)),
        1..80,
    );
    let events = events.prop_map(|runs| {
        let all = runs.into_iter().flat_map(|(good, length, each)| {
            each.into_iter().take(length).map(move |(took, act)| (good, took, act))
        });
        all.collect::<Vec<_>>()
    });
    (1u64..7, 1usize..4, 1u8..4, 1u8..4, pace, 0u8..=50, events).prop_map(
        |(checks, most, rise, fall, pace, jitter, events)| {
            let jitter = Jitter::new(jitter).expect("in range");
            Story { checks, most, rise, fall, pace, jitter, events }
        },
    )
}

const DAMPING: Damping =
    Damping { changes: 3, within: Duration::from_secs(2), hold: Duration::from_secs(1) };

proptest! {
    #[test]
    fn the_rules_hold_whatever_servers_do(story in stories()) {
        play(&story)?;
    }
}

fn play(story: &Story) -> Result<(), TestCaseError> {
    let Story { checks, most, rise, fall, pace, jitter, .. } = *story;
    let settings = Settings { rise, fall, initial: Initial::Assumed(State::Up) };
    let rhythm = |interval, id: u64| Rhythm {
        interval,
        jitter,
        warm_up: None,
        place: id.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    let mut ids = Vec::new();
    let mut last = CheckId::default();
    let (mut now, mut scheduler) = (Duration::ZERO, Scheduler::new(most));
    let mut played = BTreeMap::new();
    for number in 0..checks {
        last = last.next();
        ids.push(last);
        scheduler.add(last, rhythm(pace.up, number), now);
        played.insert(
            last,
            Played {
                checker: Checker::new(settings, now),
                damper: Damper::default(),
                state: None,
                contrary: 0,
                begun: now,
                changes: Vec::new(),
            },
        );
    }
    let slowest = pace.up.max(pace.down);
    // One that waits its turn waits for all others at most once, or for the jitter and the place of the second.
    let patience = slowest * 2 + jitter.of(slowest) + Duration::from_millis((checks + 1) * LONGEST);
    let mut running: BTreeMap<(Duration, CheckId), bool> = BTreeMap::new();
    let mut suspended = BTreeSet::new();
    let mut events = story.events.iter().copied();
    let mut left = events.len();
    while left > 0 || !running.is_empty() {
        while let Some(id) = (left > 0).then(|| scheduler.begin(now)).flatten() {
            let Some((good, took, _)) = events.clone().next() else { break };
            prop_assert!(!suspended.contains(&id), "{id:?} is suspended");
            prop_assert!(running.keys().all(|(_, other)| *other != id), "{id:?} twice at a time");
            let one = played.get_mut(&id).expect("it is one of them");
            prop_assert!(now - one.begun <= patience, "{id:?} waits since {:?}", one.begun);
            one.begun = now;
            running.insert((now + Duration::from_millis(took), id), good);
            prop_assert!(running.len() <= most, "{} at a time", running.len());
            events.next();
            left -= 1;
        }
        let ends = running.keys().next().map(|(end, _)| *end);
        let due = scheduler.next_deadline().filter(|_| left > 0);
        let Some(next) = ends.into_iter().chain(due).min() else {
            prop_assert!(suspended.len() as u64 == checks, "nothing will ever be due");
            for id in std::mem::take(&mut suspended) {
                scheduler.add(id, rhythm(pace.up, 0), now);
                played.get_mut(&id).expect("it is one of them").begun = now;
            }
            continue;
        };
        now = now.max(next);
        if ends != Some(next) {
            continue;
        }
        let ((_, id), good) = running.pop_first().expect("it has ended");
        scheduler.finished(id, now);
        let one = played.get_mut(&id).expect("it is one of them");
        judge(one, story, good, now)?;
        scheduler.pace(id, pace.after(one.checker.report()), now);
        // Now and then somebody suspends a check, goes on with another, or is in doubt.
        match story.events[story.events.len() - left - 1].2 {
            0 => {
                scheduler.remove(id);
                suspended.insert(id);
            }
            1 | 2 => {
                if let Some(id) = suspended.pop_first() {
                    scheduler.add(id, rhythm(pace.up, 1), now);
                    played.get_mut(&id).expect("it is one of them").begun = now;
                }
            }
            3 => ids.iter().for_each(|id| scheduler.hurry(*id, now)),
            _ => {}
        }
    }
    Ok(())
}

/// Takes a result, and compares what comes of it with the rules, said a second time.
fn judge(one: &mut Played, story: &Story, good: bool, now: Duration) -> Result<(), TestCaseError> {
    let found = if good { State::Up } else { State::Down };
    let outcome = if good { Outcome::Passed } else { Outcome::Failed("refused".to_owned()) };
    let before = one.checker.report().state;
    let transition = one.checker.outcome(now, outcome);
    let needed = if good { story.rise } else { story.fall };
    let expected = match one.state {
        None => found,
        Some(state) if state == found => {
            one.contrary = 0;
            state
        }
        Some(state) => {
            one.contrary += 1;
            if one.contrary >= needed { found } else { state }
        }
    };
    prop_assert_eq!(one.checker.report().state, expected, "{} of {}", one.contrary, needed);
    prop_assert_eq!(transition.is_some(), before != expected);
    if one.state.is_some_and(|state| state != expected) {
        one.contrary = 0;
        one.changes.push(now);
        one.damper.advance(now);
        one.damper.note(now, &DAMPING);
    }
    one.state = Some(expected);
    one.damper.advance(now);
    let lately = one.changes.iter().filter(|at| now - **at < DAMPING.within).count();
    if let Some(until) = one.damper.held_until() {
        let last = one.changes.last().expect("it has changed");
        prop_assert_eq!((until, one.damper.state(State::Up)), (*last + DAMPING.hold, State::Down));
    } else {
        prop_assert_eq!(one.damper.state(expected), expected);
        let held = one.changes.last().is_none_or(|last| now - *last >= DAMPING.hold);
        prop_assert!(
            held || lately <= usize::from(DAMPING.changes) || was_held(one),
            "{lately} changes"
        );
    }
    Ok(())
}

/// Changes from before a hold are forgotten with it.
fn was_held(one: &Played) -> bool {
    one.changes.windows(2).any(|pair| pair[1] - pair[0] >= DAMPING.hold)
}
