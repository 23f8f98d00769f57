//! The transition table as a snapshot, and what it cannot show: times.

use std::{fmt::Write as _, net::IpAddr};

use super::*;
use crate::vrrp::{
    packet::Advertisement,
    types::{Addresses, AdvertInterval, Family, Version, VirtualRouterId},
};

const SECOND: Duration = Duration::from_secs(1);
/// What the machines of these tests wait with priority 100 and an interval of a second.
const DOWN: Duration = Duration::from_micros(3_609_375);

pub(in crate::vrrp) fn addresses(last: u8) -> Addresses {
    Addresses::new(Family::V4, &[IpAddr::from([10, 9, 0, last])]).unwrap()
}

pub(in crate::vrrp) fn settings(priority: u8, source: u8) -> Settings {
    Settings {
        priority: Priority::new(priority).unwrap(),
        interval: AdvertInterval::new(Version::V3, SECOND).unwrap(),
        source: IpAddr::from([10, 9, 0, source]),
        addresses: addresses(100),
        preempt: Preempt::After(Duration::ZERO),
        start_delay: Duration::ZERO,
        announce_again: Settings::ANNOUNCE_AGAIN,
        refresh: None,
    }
}

/// What a master with this last byte of its address says, every `milliseconds`.
pub(in crate::vrrp) fn advert(priority: u8, source: u8, milliseconds: u64) -> Advertisement {
    Advertisement {
        source: IpAddr::from([10, 9, 0, source]),
        virtual_router: VirtualRouterId::new(51).unwrap(),
        claim: Claim::from_wire(priority),
        interval: AdvertInterval::new(Version::V3, Duration::from_millis(milliseconds)).unwrap(),
        addresses: addresses(100),
    }
}

fn started(settings: Settings) -> Machine {
    let mut machine = Machine::new(settings);
    machine.handle(Duration::ZERO, Event::Start { resume: false });
    machine
}

fn master(settings: Settings) -> Machine {
    let mut machine = Machine::new(settings);
    machine.handle(Duration::ZERO, Event::Start { resume: true });
    machine
}

/// Hears an advertisement and says how long it waits from then on.
fn wait_after(machine: &mut Machine, now: Duration, priority: u8, milliseconds: u64) -> Duration {
    machine.handle(now, Event::Advertisement(&advert(priority, 9, milliseconds)));
    machine.deadline().unwrap() - now
}

fn words(action: &Action) -> String {
    match action {
        Action::Advertise(Claim::Leaving) => "advertise 0".to_owned(),
        Action::Advertise(Claim::Master(priority)) => format!("advertise {priority}"),
        Action::AddAddresses => "add addresses".to_owned(),
        Action::Announce => "announce".to_owned(),
        Action::RemoveAddresses => "remove addresses".to_owned(),
        Action::Notify(state) => format!("notify {state}"),
        Action::Record(step) => format!("record {} to {}: {}", step.from, step.to, step.reason),
        Action::AddressesDiffer(source) => format!("warn of {source}"),
        Action::Refused(why) => format!("refuse: {why}"),
    }
}

/// Whoever the others are, and though clocks differ by a thousandth (they do by less than a ten thousandth).
#[test]
fn a_lease_is_over_before_another_one_takes_over() {
    for (version, interval) in [
        (Version::V2, 1_000),
        (Version::V2, 255_000),
        (Version::V3, 10),
        (Version::V3, 1_000),
        (Version::V3, 40_950),
    ] {
        let interval = Duration::from_millis(interval);
        let own = AdvertInterval::new(version, interval).unwrap();
        let lease = Settings { interval: own, ..settings(100, 5) }.lease();
        for priority in 1..=255 {
            let wait = down(version, Priority::new(priority).unwrap(), interval);
            assert!(lease + lease / 1_000 < wait, "{version} {interval:?} {priority}");
        }
    }
}

#[test]
fn transition_table() {
    let machine = |state| {
        let mut machine = match state {
            State::Initialize => Machine::new(settings(100, 5)),
            State::Backup | State::Fault => started(settings(100, 5)),
            State::Master => master(settings(100, 5)),
        };
        if state == State::Fault {
            machine.handle(Duration::ZERO, Event::Fault("eth0 is down"));
        }
        assert_eq!(machine.state(), state);
        machine
    };
    let [left, lower, below, above, higher] = [(0, 9), (99, 9), (100, 4), (100, 6), (101, 4)]
        .map(|(priority, source)| advert(priority, source, 1_000));
    let differs = Advertisement { addresses: addresses(77), ..higher.clone() };
    let other = addresses(78);
    let events = [
        ("start", Event::Start { resume: false }),
        ("start, resume", Event::Start { resume: true }),
        ("heard: leaving", Event::Advertisement(&left)),
        ("heard: lower", Event::Advertisement(&lower)),
        ("heard: equal, lower address", Event::Advertisement(&below)),
        ("heard: equal, higher address", Event::Advertisement(&above)),
        ("heard: higher", Event::Advertisement(&higher)),
        ("heard: higher, other VIPs", Event::Advertisement(&differs)),
        ("timer", Event::Timer),
        ("priority 200", Event::PriorityChanged(Priority::new(200).unwrap())),
        ("fault", Event::Fault("track")),
        ("recovered", Event::Recovered),
        ("release", Event::Release),
        ("take", Event::Take),
        ("source changed", Event::SourceChanged(IpAddr::from([10, 9, 0, 6]))),
        ("addresses changed", Event::AddressesChanged(&other)),
        ("group: backup", Event::Together(Together::Backup)),
        ("group: fault", Event::Together(Together::Fault)),
        ("group: recovered", Event::Together(Together::Recovered)),
        ("lapsed", Event::Lapsed),
        ("stop", Event::Stop),
    ];
    let mut table = String::new();
    for state in [State::Initialize, State::Backup, State::Master, State::Fault] {
        for (name, event) in events {
            let mut machine = machine(state);
            // Late enough for every timer but the second announcement; all of it began at 0.
            let actions = machine.handle(4 * SECOND, event);
            let after = machine.state();
            let due = machine.deadline().map(|due| format!(", timer at {} ms", due.as_millis()));
            let due = due.unwrap_or_default();
            writeln!(table, "{state} + {name} = {after}{due}").unwrap();
            for action in actions {
                writeln!(table, "    {}", words(&action)).unwrap();
            }
        }
    }
    let expected = include_str!("transitions.txt");
    assert!(table == expected, "transitions.txt is not what the machine does:\n{table}");
}

#[test]
fn from_the_last_advertisement_to_the_takeover() {
    for (milliseconds, after) in [(1_000, 3_609_375), (100, 360_937), (10, 36_093)] {
        let mut machine = started(settings(100, 5));
        let wait = wait_after(&mut machine, SECOND, 150, milliseconds);
        assert_eq!(wait.as_micros(), after, "the master's interval is adopted: {milliseconds} ms");
        assert_eq!(machine.handle(SECOND + wait - Duration::from_nanos(1), Event::Timer), []);
        assert_eq!(machine.handle(SECOND + wait, Event::Timer).len(), 5);
        assert_eq!(machine.state(), State::Master);
        // As master it has its own again.
        assert_eq!(machine.deadline(), Some(2 * SECOND + wait));
    }
    let mut machine = started(settings(100, 5));
    wait_after(&mut machine, SECOND, 150, 1_000);
    assert_eq!(wait_after(&mut machine, 2 * SECOND, 0, 1_000).as_micros(), 609_375, "it left");
}

#[test]
fn a_lower_master_is_left_alone_or_not() {
    let never = Settings { preempt: Preempt::Never, ..settings(100, 5) };
    assert_eq!(wait_after(&mut started(never), SECOND, 50, 1_000), DOWN);
    let at_once = settings(100, 5);
    assert_eq!(wait_after(&mut started(at_once), SECOND, 50, 1_000), DOWN - SECOND);
}

#[test]
fn a_preempt_delay_begins_with_the_first_lower_advertisement() {
    let mut machine =
        started(Settings { preempt: Preempt::After(10 * SECOND), ..settings(100, 5) });
    for second in 2..12 {
        assert_eq!(wait_after(&mut machine, second * SECOND, 50, 1_000), DOWN, "{second}");
    }
    assert_eq!(wait_after(&mut machine, 12 * SECOND, 50, 1_000), DOWN - SECOND, "it is over");
    // A higher one between them: from the beginning.
    assert_eq!(wait_after(&mut machine, 13 * SECOND, 150, 1_000), DOWN);
    assert_eq!(wait_after(&mut machine, 22 * SECOND, 50, 1_000), DOWN);
    assert_eq!(wait_after(&mut machine, 31 * SECOND, 50, 1_000), DOWN);
    assert_eq!(wait_after(&mut machine, 32 * SECOND, 50, 1_000), DOWN - SECOND);
}

#[test]
fn a_start_up_delay_hears_nothing() {
    let mut machine = Machine::new(Settings { start_delay: 20 * SECOND, ..settings(100, 5) });
    assert_eq!(machine.handle(SECOND, Event::Start { resume: false }), []);
    machine.handle(2 * SECOND, Event::Advertisement(&advert(150, 9, 10)));
    assert_eq!((machine.state(), machine.deadline()), (State::Initialize, Some(21 * SECOND)));
    machine.handle(21 * SECOND, Event::Timer);
    assert_eq!((machine.state(), machine.deadline()), (State::Backup, Some(21 * SECOND + DOWN)));
}

#[test]
fn the_owner_is_master_at_once_and_again_when_it_recovers() {
    let mut machine = started(settings(255, 5));
    assert_eq!(machine.state(), State::Master);
    machine.handle(SECOND, Event::Fault("eth0 is down"));
    machine.handle(2 * SECOND, Event::Recovered);
    assert_eq!(machine.state(), State::Master);
}

#[test]
fn addresses_are_announced_again_and_refreshed() {
    let mut machine = master(Settings { refresh: Some(60 * SECOND), ..settings(100, 5) });
    let mut announced = Vec::new();
    for _ in 0..140 {
        let now = machine.deadline().unwrap();
        let actions = machine.handle(now, Event::Timer);
        assert!(!actions.is_empty(), "woken for nothing at {now:?}");
        announced.extend(actions.contains(&Action::Announce).then_some(now.as_secs()));
    }
    assert_eq!(announced, [5, 60, 120]);
}

#[test]
fn advertisements_keep_their_beat_and_missed_ones_stay_missed() {
    let mut machine = master(settings(100, 5));
    let beat = |machine: &mut Machine, late| {
        machine.handle(machine.deadline().unwrap() + Duration::from_millis(late), Event::Timer);
        machine.deadline().unwrap().as_millis()
    };
    assert_eq!(beat(&mut machine, 30), 2_000);
    assert_eq!(beat(&mut machine, 1_500), 4_500, "after a pause");
}

#[test]
fn what_the_operator_gave_away_stays_away_until_the_other_is_gone() {
    let mut machine = master(settings(100, 5));
    machine.handle(SECOND, Event::Release);
    assert_eq!(wait_after(&mut machine, 2 * SECOND, 50, 1_000), DOWN, "though it is lower");
    machine.handle(2 * SECOND + DOWN, Event::Timer);
    machine.handle(9 * SECOND, Event::Advertisement(&advert(150, 9, 1_000)));
    assert_eq!(wait_after(&mut machine, 10 * SECOND, 50, 1_000), DOWN - SECOND, "as ever again");
}

#[test]
fn what_the_operator_took_is_defended_until_released() {
    let mut machine = started(settings(100, 5));
    wait_after(&mut machine, SECOND, 200, 1_000);
    let taken = machine.handle(SECOND, Event::Take);
    assert_eq!(taken[0], Action::Advertise(Claim::Master(Priority::HIGHEST)));
    machine.handle(SECOND, Event::Advertisement(&advert(200, 9, 1_000)));
    assert_eq!(machine.state(), State::Master);
    machine.handle(SECOND, Event::Release);
    assert_eq!((machine.state(), machine.priority().get()), (State::Backup, 100));
}

#[test]
fn nothing_is_taken_from_one_who_would_take_it_back() {
    for (priority, refused) in [(253, false), (254, true), (255, true)] {
        let mut machine = started(settings(100, 5));
        wait_after(&mut machine, SECOND, priority, 1_000);
        let actions = machine.handle(2 * SECOND, Event::Take);
        assert_eq!(matches!(actions[..], [Action::Refused(_)]), refused, "{priority}");
    }
}

#[test]
fn other_addresses_are_told_of_once() {
    let mut machine = started(settings(100, 5));
    let other = Advertisement { addresses: addresses(77), ..advert(150, 9, 1_000) };
    let warning = [Action::AddressesDiffer(other.source)];
    assert_eq!(machine.handle(SECOND, Event::Advertisement(&other)), warning);
    assert_eq!(machine.handle(SECOND, Event::Advertisement(&other)), []);
    assert_eq!(machine.handle(SECOND, Event::Advertisement(&advert(150, 9, 1_000))), []);
    assert_eq!(machine.handle(SECOND, Event::Advertisement(&other)), warning, "it came back");
}
