//! The machine on a virtual clock.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn settings(initial: Initial) -> Settings {
    Settings { rise: 2, fall: 3, initial }
}

fn failed() -> Outcome {
    Outcome::Failed("connection refused".to_owned())
}

/// Gives it one result.
fn check(checker: &mut Checker, outcome: Outcome) -> Option<Transition> {
    checker.outcome(Duration::ZERO, outcome)
}

#[test]
fn falls_after_fall_failures_and_rises_after_rise_passes() {
    let mut checker = Checker::new(settings(Initial::Known(State::Up)), Duration::ZERO);
    assert_eq!(check(&mut checker, failed()), None);
    assert_eq!(check(&mut checker, failed()), None);
    let down = check(&mut checker, failed()).expect("the third failure takes it down");
    assert_eq!((down.from, down.to, down.results), (State::Up, State::Down, 3));
    assert_eq!(down.reason, "connection refused");
    assert_eq!(check(&mut checker, Outcome::Passed), None);
    let up = check(&mut checker, Outcome::Passed).expect("the second pass brings it up");
    assert_eq!((up.to, up.results, up.reason.as_str()), (State::Up, 2, "answers"));
}

#[test]
fn a_pass_starts_the_count_of_failures_again() {
    let mut checker = Checker::new(settings(Initial::Known(State::Up)), Duration::ZERO);
    for _ in 0..10 {
        assert_eq!(check(&mut checker, failed()), None);
        assert_eq!(check(&mut checker, failed()), None);
        assert_eq!(check(&mut checker, Outcome::Passed), None);
    }
    assert_eq!(checker.report().state, State::Up);
}

#[test]
fn the_first_result_replaces_an_assumed_state() {
    let mut checker = Checker::new(settings(Initial::Assumed(State::Down)), Duration::ZERO);
    assert_eq!(check(&mut checker, Outcome::Passed).map(|change| change.to), Some(State::Up));
    let mut checker = Checker::new(settings(Initial::Assumed(State::Up)), Duration::ZERO);
    assert_eq!(check(&mut checker, failed()).map(|change| change.to), Some(State::Down));
    let mut checker = Checker::new(settings(Initial::Assumed(State::Up)), Duration::ZERO);
    assert_eq!(check(&mut checker, Outcome::Passed), None);
    assert_eq!(check(&mut checker, failed()), None, "only the first result counts alone");
}

#[test]
fn what_an_earlier_agent_has_left_counts_as_known() {
    let mut checker = Checker::new(settings(Initial::carried(Some(State::Up))), Duration::ZERO);
    assert_eq!(check(&mut checker, failed()), None, "one failure after a restart is one of three");
    assert_eq!(check(&mut checker, failed()), None);
    assert_eq!(check(&mut checker, failed()).map(|change| change.to), Some(State::Down));
    let mut checker = Checker::new(settings(Initial::carried(Some(State::Down))), Duration::ZERO);
    assert_eq!(check(&mut checker, Outcome::Passed), None, "and one pass is one of two");
    let mut checker = Checker::new(settings(Initial::carried(None)), Duration::ZERO);
    assert!(check(&mut checker, failed()).is_some(), "what nobody knows, the first check decides");
}

#[test]
fn a_check_that_could_not_be_made_changes_nothing() {
    let mut checker = Checker::new(settings(Initial::Known(State::Up)), Duration::ZERO);
    check(&mut checker, failed());
    check(&mut checker, failed());
    for _ in 0..5 {
        let none_left = Outcome::Inconclusive("too many open files".to_owned());
        assert_eq!(check(&mut checker, none_left), None);
    }
    assert_eq!(checker.report().inconclusive.as_deref(), Some("too many open files"));
    assert_eq!(checker.report().contrary, 2, "and does not interrupt a run of failures");
    assert!(check(&mut checker, failed()).is_some());
    assert_eq!(checker.report().inconclusive, None);
}

#[test]
fn other_settings_keep_what_is_known() {
    let mut checker = Checker::new(settings(Initial::Known(State::Up)), Duration::ZERO);
    check(&mut checker, failed());
    check(&mut checker, failed());
    checker.change(Settings { fall: 2, ..settings(Initial::Known(State::Up)) });
    assert_eq!(check(&mut checker, failed()), None, "the run begins anew");
    assert!(check(&mut checker, failed()).is_some());
    assert_eq!((checker.report().checks, checker.report().failure.as_ref().unwrap().count), (4, 4));
}

#[test]
fn the_report_says_since_when_why_and_how_many() {
    let mut checker = Checker::new(settings(Initial::Known(State::Up)), Duration::ZERO);
    check(&mut checker, failed());
    checker.outcome(SECOND, Outcome::Failed("no answer within 1s".to_owned()));
    let failure = checker.report().failure.clone().expect("it failed");
    assert_eq!((failure.count, failure.reason.as_str()), (2, "no answer within 1s"));
    assert_eq!((failure.since, failure.last), (Duration::ZERO, SECOND));
    check(&mut checker, Outcome::Passed);
    assert!(!checker.report().failure.as_ref().expect("kept").ongoing);
    check(&mut checker, failed());
    assert_eq!(checker.report().failure.as_ref().map(|failure| failure.count), Some(1));
}

#[test]
fn a_condemned_server_has_one_check_left() {
    let settings = Settings { rise: 2, fall: 4, ..settings(Initial::Known(State::Up)) };
    let mut checker = Checker::new(settings, Duration::ZERO);
    checker.condemn();
    // It is well: the count begins anew.
    assert!(check(&mut checker, Outcome::Passed).is_none());
    assert!(check(&mut checker, failed()).is_none());
    checker.condemn();
    assert_eq!(check(&mut checker, failed()).map(|transition| transition.to), Some(State::Down));
    checker.condemn();
    assert_eq!(checker.report().contrary, 0);
}

proptest! {
    /// A change of state is preceded by `rise` or `fall` equal results, and such a run always
    /// leads to one.
    #[test]
    fn no_flap_within_rise_and_fall(
        rise in 1u8..6,
        fall in 1u8..6,
        up: bool,
        results in prop::collection::vec(any::<bool>(), 0..200),
    ) {
        let state = if up { State::Up } else { State::Down };
        let settings = Settings { rise, fall, ..settings(Initial::Known(state)) };
        let mut checker = Checker::new(settings, Duration::ZERO);
        for (index, passed) in results.iter().enumerate() {
            let outcome = if *passed { Outcome::Passed } else { failed() };
            let changed = check(&mut checker, outcome).is_some();
            let needed = usize::from(if *passed { rise } else { fall });
            let run = results[..=index].iter().rev().take_while(|&result| result == passed).count();
            prop_assert!(!changed || run >= needed);
            if run >= needed {
                prop_assert_eq!(checker.report().state == State::Up, *passed);
            }
        }
    }
}
