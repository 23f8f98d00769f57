//! Two members on a virtual clock.

use super::*;
use crate::vrrp::machine::tests::{advert, settings};

const SECOND: Duration = Duration::from_secs(1);

fn states(group: &Group) -> Vec<State> {
    group.members().iter().map(Machine::state).collect()
}

/// Both started, the second one half a second later.
fn started() -> Group {
    let mut group =
        Group::new([100, 100].map(|priority| Machine::new(settings(priority, 5))).into());
    group.handle(Duration::ZERO, 0, Event::Start { resume: false });
    group.handle(SECOND / 2, 1, Event::Start { resume: false });
    group
}

fn masters() -> Group {
    let mut group = started();
    let due = group.deadline().unwrap();
    group.poll(due);
    assert_eq!(states(&group), [State::Master; 2]);
    group
}

#[test]
fn members_become_master_at_one_moment() {
    let mut group = started();
    let due = group.deadline().unwrap();
    assert_eq!(due.as_millis(), 4_109, "the later one");
    assert_eq!(group.poll(due - Duration::from_nanos(1)), []);
    group.poll(due);
    assert_eq!(states(&group), [State::Master; 2]);
}

#[test]
fn an_owner_waits_for_the_others_and_for_nobody_else() {
    let mut group =
        Group::new([255, 100].map(|priority| Machine::new(settings(priority, 5))).into());
    group.handle(Duration::ZERO, 0, Event::Start { resume: false });
    group.handle(Duration::ZERO, 1, Event::Start { resume: false });
    assert_eq!(states(&group), [State::Backup; 2]);
    group.handle(SECOND, 0, Event::Advertisement(&advert(150, 9, 1_000)));
    let due = group.deadline().unwrap();
    assert_eq!(due.as_millis(), 3_609, "that of the other");
    assert_eq!(group.poll(due - Duration::from_nanos(1)), []);
    group.poll(due);
    assert_eq!(states(&group), [State::Master; 2]);
}

#[test]
fn an_owner_alone_does_not_wait() {
    let mut group = Group::new(vec![Machine::new(settings(255, 5))]);
    group.handle(Duration::ZERO, 0, Event::Start { resume: false });
    assert_eq!(states(&group), [State::Master]);
}

#[test]
fn a_master_heard_by_one_keeps_all_back() {
    let mut group = started();
    group.handle(4 * SECOND, 1, Event::Advertisement(&advert(150, 9, 1_000)));
    assert_eq!(group.poll(5 * SECOND), []);
    assert_eq!(states(&group), [State::Backup; 2]);
    assert_eq!(group.deadline().unwrap().as_millis(), 7_609);
}

#[test]
fn one_outranked_takes_the_other_along() {
    let mut group = masters();
    let actions = group.handle(6 * SECOND, 0, Event::Advertisement(&advert(150, 9, 1_000)));
    assert_eq!(states(&group), [State::Backup; 2]);
    assert!(actions.contains(&(1, Action::RemoveAddresses)), "{actions:?}");
}

#[test]
fn a_fault_of_one_is_a_fault_of_all_until_the_last_is_mended() {
    let mut group = masters();
    group.handle(6 * SECOND, 0, Event::Fault("eth0 is down"));
    assert_eq!(states(&group), [State::Fault; 2]);
    assert_eq!(group.deadline(), None);
    group.handle(7 * SECOND, 1, Event::Fault("eth1 is down"));
    assert_eq!(group.handle(8 * SECOND, 0, Event::Recovered), [], "the other is not");
    assert_eq!(states(&group), [State::Fault; 2]);
    group.handle(9 * SECOND, 1, Event::Recovered);
    assert_eq!(states(&group), [State::Backup; 2]);
}

#[test]
fn who_starts_beside_a_broken_one_waits_with_it() {
    let mut group =
        Group::new([100, 100].map(|priority| Machine::new(settings(priority, 5))).into());
    group.handle(Duration::ZERO, 0, Event::Fault("eth0 is down"));
    group.handle(SECOND, 0, Event::Start { resume: true });
    group.handle(SECOND, 1, Event::Start { resume: true });
    assert_eq!(states(&group), [State::Fault; 2]);
}

#[test]
fn the_operator_moves_all_or_none() {
    let mut group = masters();
    group.handle(6 * SECOND, 1, Event::Release);
    assert_eq!(states(&group), [State::Backup; 2]);
    group.handle(7 * SECOND, 0, Event::Advertisement(&advert(255, 9, 1_000)));
    let refused = group.handle(7 * SECOND, 1, Event::Take);
    assert!(matches!(refused[..], [(0, Action::Refused(_))]), "{refused:?}");
    assert_eq!(states(&group), [State::Backup; 2]);
    group.handle(20 * SECOND, 1, Event::Take);
    assert_eq!(states(&group), [State::Master; 2]);
}
