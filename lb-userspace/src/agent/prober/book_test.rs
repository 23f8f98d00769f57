//! What is kept, told and believed.

use super::*;
use crate::{
    health::{Initial, Pace, Settings, State},
    model::{AgentCheck, CheckKind, Jitter, Payload},
};

const NOW: Duration = Duration::ZERO;

pub(in crate::agent::prober) fn target(server: &str, check: usize) -> Target {
    Target {
        pool: "web".to_owned(),
        server: server.to_owned(),
        check,
        job: Job {
            kind: CheckKind::Tcp,
            address: "192.0.2.1:80".parse().unwrap(),
            interface: None,
            source: None,
            mark: None,
            proxy: None,
            vips: Vec::new(),
            interval: Duration::from_secs(2),
            jitter: Jitter::NONE,
            warm_up: None,
            timeout: Duration::from_secs(1),
            place: 0,
        },
        pace: Pace::steady(Duration::from_secs(2)),
        settings: Settings { rise: 2, fall: 3, initial: Initial::Assumed(State::Up) },
        left: None,
    }
}

fn result(id: CheckId, outcome: Outcome) -> Finding {
    Finding::Result { id, outcome, took: Duration::from_millis(1) }
}

fn refused() -> Outcome {
    Outcome::Failed("connection refused".to_owned())
}

/// The number of the check that the only order begins.
fn started(orders: &[Order]) -> CheckId {
    let [Order::Start(id, _)] = orders else { panic!("{orders:?}") };
    *id
}

#[test]
fn a_probe_is_told_what_it_does_not_know() {
    let (mut book, mut told) = (Book::default(), Told::default());
    book.watch(target("a", 0), NOW);
    let first = started(&book.orders(Maker::Probe, &mut told));
    book.watch(target("a", 0), NOW);
    assert_eq!(book.orders(Maker::Probe, &mut told), [], "nothing has changed");
    book.hurry("web", "a");
    assert_eq!(book.orders(Maker::Probe, &mut told), [Order::Hurry(first)]);
    assert_eq!(
        started(&book.orders(Maker::Probe, &mut Told::default())),
        first,
        "another probe is told all"
    );
    book.keep(&BTreeSet::new());
    assert_eq!(book.orders(Maker::Probe, &mut told), [Order::Stop(first)]);
    assert_eq!(book.orders(Maker::Probe, &mut told), []);
}

#[test]
fn a_check_that_changes_gets_another_number_and_keeps_what_is_known() {
    let (mut book, mut told) = (Book::default(), Told::default());
    book.watch(target("a", 0), NOW);
    let old = started(&book.orders(Maker::Probe, &mut told));
    let event = book.note(result(old, refused()), NOW).expect("the first result");
    assert_eq!((event.state, event.reason.as_str()), (State::Down, "connection refused"));
    let mut changed = target("a", 0);
    changed.job.timeout = Duration::from_millis(500);
    book.watch(changed.clone(), NOW);
    let orders = book.orders(Maker::Probe, &mut told);
    let [Order::Stop(stopped), Order::Start(new, job)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((*stopped, &**job), (old, &changed.job));
    assert_eq!(book.note(result(old, Outcome::Passed), NOW), None, "that one has ended");
    assert_eq!(book.note(result(*new, Outcome::Passed), NOW), None);
    assert!(book.note(result(*new, Outcome::Passed), NOW).is_some(), "2 of 2");
    assert_eq!(book.reports("web", "a")[0].1.checks, 3);
}

#[test]
fn a_server_at_another_address_is_another_server() {
    let mut book = Book::default();
    book.watch(target("a", 0), NOW);
    let id = started(&book.orders(Maker::Probe, &mut Told::default()));
    book.note(result(id, refused()), NOW);
    let mut moved = target("a", 0);
    moved.job.address = "192.0.2.2:80".parse().unwrap();
    book.watch(moved, NOW);
    let (_, report) = &book.reports("web", "a")[0];
    assert_eq!((report.state, report.checks), (State::Up, 0));
}

#[test]
fn what_holds_at_first_is_what_held_when_the_check_was_new() {
    let mut book = Book::default();
    let mut known = target("a", 0);
    known.settings.initial = Initial::Known(State::Up);
    book.watch(known, NOW);
    book.watch(target("a", 0), NOW);
    let id = started(&book.orders(Maker::Probe, &mut Told::default()));
    let event = book.note(result(id, refused()), NOW).expect("the first result");
    assert_eq!(event.state, State::Up, "one failure of three");
}

#[test]
fn what_an_earlier_agent_has_found_goes_on() {
    let mut book = Book::default();
    book.watch(target("a", 0), NOW);
    let id = started(&book.orders(Maker::Probe, &mut Told::default()));
    assert!(book.records((0, 0)).expect("news").0.is_empty(), "nothing is known yet");
    let seconds = Duration::from_secs;
    book.note(result(id, refused()), seconds(1));
    book.note(result(id, refused()), seconds(2));
    book.note(result(id, Outcome::Passed), seconds(3));
    let (records, seen) = book.records((0, 0)).expect("news");
    assert_eq!(book.records(seen), None);
    let before = book.known("web", "a");

    let mut next = Book::default();
    let [record] = &records[..] else { panic!("{records:?}") };
    next.watch(Target { left: Some(record.clone()), ..target("a", 0) }, seconds(9));
    assert_eq!(next.known("web", "a"), before);
    let id = started(&next.orders(Maker::Probe, &mut Told::default()));
    let event = next.note(result(id, Outcome::Passed), seconds(10)).expect("2 of 2");
    assert_eq!(event.state, State::Up);
    let report = &next.reports("web", "a")[0].1;
    assert_eq!((report.checks, report.failed, report.since), (4, 2, seconds(10)));

    let mut moved = Target { left: Some(record.clone()), ..target("b", 0) };
    moved.job.address = "192.0.2.2:80".parse().unwrap();
    next.watch(moved, seconds(9));
    assert_eq!(next.reports("web", "b")[0].1.checks, 0, "another server");
}

#[test]
fn what_a_probe_says_of_checks_that_are_not_there_is_ignored() {
    let mut book = Book::default();
    book.watch(target("a", 0), NOW);
    let id = started(&book.orders(Maker::Probe, &mut Told::default()));
    assert_eq!(book.note(result(id.next(), refused()), NOW), None);
    assert_eq!(book.reports("web", "a")[0].1.checks, 0);
}

#[test]
fn reports_are_those_of_one_server() {
    let mut book = Book::default();
    for (server, check) in [("a", 0), ("a", 1), ("ab", 0)] {
        book.watch(target(server, check), NOW);
    }
    assert_eq!((book.reports("web", "a").len(), book.reports("web", "b").len()), (2, 0));
}

#[test]
fn what_is_suspended_is_not_made_and_stays_known() {
    let (mut book, mut told) = (Book::default(), Told::default());
    book.watch(target("a", 0), NOW);
    let id = started(&book.orders(Maker::Probe, &mut told));
    book.note(result(id, refused()), NOW);
    book.suspend([("web".to_owned(), 0)].into());
    book.hurry("web", "a");
    assert_eq!(book.orders(Maker::Probe, &mut told), [Order::Stop(id)]);
    assert_eq!(book.orders(Maker::Probe, &mut told), []);
    book.watch(target("a", 1), NOW);
    assert_ne!(started(&book.orders(Maker::Probe, &mut told)), id, "the other one goes on");
    let known = book.known("web", "a");
    assert_eq!((known[0].suspended, known[0].report.state), (true, State::Down));
    assert!(!known[1].suspended);
    book.suspend(BTreeSet::new());
    let orders = book.orders(Maker::Probe, &mut told);
    let [Order::Start(again, _), Order::Hurry(hurried)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((*again, *hurried), (id, id));
    assert_eq!(book.known("web", "a")[0].report.state, State::Down, "until it has been asked");
}

#[test]
fn a_probe_is_told_how_often() {
    let (mut book, mut told) = (Book::default(), Told::default());
    let seconds = Duration::from_secs;
    let mut target = target("a", 0);
    target.settings.initial = Initial::Known(State::Up);
    target.pace = Pace { up: seconds(2), down: seconds(10), changing: Some(seconds(1)) };
    target.job.warm_up = Some(seconds(60));
    book.watch(target.clone(), NOW);
    let orders = book.orders(Maker::Probe, &mut told);
    let [Order::Start(id, job)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((job.interval, job.warm_up), (seconds(2), Some(seconds(60))));
    for interval in [Some(seconds(1)), None, Some(seconds(10)), None] {
        book.note(result(*id, refused()), NOW);
        assert_eq!(book.take_news(), interval.is_some());
        let expected: Vec<_> = interval.map(|time| Order::Pace(*id, time)).into_iter().collect();
        assert_eq!(book.orders(Maker::Probe, &mut told), expected);
    }
    let orders = book.orders(Maker::Probe, &mut Told::default());
    let [Order::Start(_, job)] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((job.interval, job.warm_up), (seconds(10), None), "another probe goes on so");
    target.pace.down = seconds(20);
    book.watch(target, NOW);
    assert_eq!(book.orders(Maker::Probe, &mut told), [Order::Pace(*id, seconds(20))], "a reload");
}

#[test]
fn a_request_that_fails_counts_as_a_check() {
    let mut book = Book::default();
    for check in 0..3 {
        let mut target = target("a", check);
        target.settings.initial = Initial::Known(State::Up);
        if check == 2 {
            target.job.kind = CheckKind::Agent(AgentCheck { send: Payload::default() });
        }
        book.watch(target, NOW);
    }
    book.suspend(BTreeSet::from([("web".to_owned(), 1)]));
    let [first] = &book.fail("web", "a", "503", NOW)[..] else { panic!("one of three checks") };
    assert_eq!(first.state, State::Up, "the first of three");
    book.condemn("web", "a");
    let [event] = &book.fail("web", "a", "503", NOW)[..] else { panic!("one of three checks") };
    assert_eq!((event.check, event.state, event.reason.as_str()), (0, State::Down, "503"));
    let others = book.known("web", "a").into_iter().skip(1);
    assert!(others.map(|known| known.report).all(|report| report.checks == 0), "they rest");
}
