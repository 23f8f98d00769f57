//! The table on a virtual clock.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const FIRST: Mac = [2, 0, 0, 0, 0, 1];
const SECOND_MAC: Mac = [2, 0, 0, 0, 0, 2];

fn key(last: u8) -> Key {
    Key { interface: 2, address: IpAddr::from([10, 8, 8, last]) }
}

fn resolved() -> Table {
    let mut table = Table::default();
    table.want(Duration::ZERO, key(43));
    table.poll(Duration::ZERO);
    table.kept(Duration::ZERO, key(43), true);
    table.event(Duration::ZERO, key(43), Event::Found(FIRST));
    table
}

/// Every pair of state and event: the state after it, and the action.
#[test]
fn the_whole_table() {
    let at = 9 * SECOND;
    let start = Duration::ZERO;
    let unresolved = State::Unresolved { since: start };
    let known = State::Resolved { mac: FIRST, since: start };
    let failing = State::Failing { mac: FIRST, since: start };
    let now_known = |mac| State::Resolved { mac, since: at };
    let publish = |mac| Some(Action::Publish { key: key(43), mac });
    let cases = [
        (unresolved, Event::Found(FIRST), now_known(FIRST), publish(FIRST)),
        (unresolved, Event::Failed, unresolved, None),
        (unresolved, Event::Gone, unresolved, None),
        (known, Event::Found(FIRST), known, None),
        (known, Event::Found(SECOND_MAC), now_known(SECOND_MAC), publish(SECOND_MAC)),
        (
            known,
            Event::Failed,
            State::Failing { mac: FIRST, since: at },
            Some(Action::CheckHealth { key: key(43) }),
        ),
        (known, Event::Gone, known, None),
        (failing, Event::Found(FIRST), now_known(FIRST), None),
        (failing, Event::Found(SECOND_MAC), now_known(SECOND_MAC), publish(SECOND_MAC)),
        (failing, Event::Failed, failing, None),
        (failing, Event::Gone, failing, None),
    ];
    for (before, event, after, action) in cases {
        let mut table = resolved();
        table.entries.get_mut(&key(43)).expect("wanted").state = before;
        assert_eq!(table.event(at, key(43), event), action, "{before:?}, {event:?}");
        assert_eq!(table.state(key(43)), Some(after), "{before:?}, {event:?}");
    }
}

#[test]
fn an_unresolved_one_is_asked_for_ever_more_seldom() {
    let mut table = Table::default();
    table.want(Duration::ZERO, key(43));
    for (before, at) in [(0, 0), (1, 1), (2, 3), (3, 7), (4, 15), (5, 23)] {
        assert_eq!(table.next_deadline(), Some(at * SECOND));
        assert_eq!(table.poll(at * SECOND), [Action::Ask { key: key(43), before }]);
        assert_eq!(table.poll(at * SECOND), []);
    }
}

#[test]
fn a_kept_one_is_left_alone_and_asked_for_when_its_entry_goes() {
    let mut table = resolved();
    assert_eq!(table.next_deadline(), None);
    table.event(5 * SECOND, key(43), Event::Gone);
    assert_eq!(table.poll(6 * SECOND), [Action::Ask { key: key(43), before: 0 }]);
    assert_eq!(table.state(key(43)).and_then(State::mac), Some(FIRST));
}

#[test]
fn one_that_nobody_keeps_is_refreshed_and_found_failing() {
    let mut table = Table::default();
    table.want(Duration::ZERO, key(43));
    table.poll(Duration::ZERO);
    table.event(Duration::ZERO, key(43), Event::Found(FIRST));
    let mut checks = 0;
    for _ in 0..4 {
        let now = table.next_deadline().expect("it is refreshed");
        assert!(now >= REFRESH);
        let actions = table.poll(now);
        assert!(matches!(actions.last(), Some(Action::Ask { .. })));
        checks += actions.iter().filter(|a| matches!(a, Action::CheckHealth { .. })).count();
    }
    assert_eq!(checks, 1);
    assert!(matches!(table.state(key(43)), Some(State::Failing { mac: FIRST, .. })));
}

#[test]
fn an_interface_that_comes_up_has_all_its_next_hops_asked_for() {
    let mut table = resolved();
    table.ask_again(SECOND, 7);
    assert_eq!(table.poll(SECOND), []);
    table.ask_again(SECOND, 2);
    assert_eq!(table.poll(SECOND), [Action::Ask { key: key(43), before: 0 }]);
}

#[test]
fn questions_are_bounded_whatever_is_wanted() {
    let mut table = Table::default();
    for last in 0..=255 {
        table.want(Duration::ZERO, key(last));
    }
    let mut asked = 0;
    let mut now = Duration::ZERO;
    while asked < 256 {
        let actions = table.poll(now);
        assert!(actions.len() <= 32);
        asked += actions.len();
        now = table.next_deadline().expect("more are due").max(now);
    }
    assert!(now >= 7 * WINDOW, "256 questions take seven windows more than the first");
}

#[test]
fn what_is_forgotten_or_unknown_is_ignored() {
    let mut table = resolved();
    assert!(table.forget(key(43)));
    assert!(!table.forget(key(43)));
    assert_eq!(table.event(SECOND, key(43), Event::Found(FIRST)), None);
    assert_eq!(table.next_deadline(), None);
    assert_eq!(table.iter().count(), 0);
}
