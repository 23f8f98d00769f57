//! Weights as keepalived's users know them, and what holds for any trackers.

use proptest::prelude::*;

use super::*;

fn weight(value: i16) -> TrackWeight {
    TrackWeight::new(value).unwrap()
}

#[test]
fn each_reading_with_each_weight() {
    use Reading::{Down, Number, Unknown, Up};
    let cases = [
        (Unknown, 0, Share::Waiting),
        (Unknown, 2, Share::Points(0)),
        (Unknown, -2, Share::Points(0)),
        (Up, 0, Share::Points(0)),
        (Up, 2, Share::Points(2)),
        (Up, -2, Share::Points(0)),
        (Down, 0, Share::Fault),
        (Down, 2, Share::Points(0)),
        (Down, -2, Share::Points(-2)),
        (Number(0), 0, Share::Points(0)),
        (Number(1), 0, Share::Fault),
        (Number(-1), 0, Share::Fault),
        (Number(7), 3, Share::Points(21)),
        (Number(-7), 3, Share::Points(-21)),
        (Number(7), -3, Share::Points(-21)),
        (Number(1_000), 1, Share::Points(253)),
        (Number(-253), 1, Share::Points(-253)),
        (Number(-254), 1, Share::Fault),
        (Number(i32::MIN), -253, Share::Points(253)),
        (Number(i32::MIN), 253, Share::Fault),
    ];
    for (reading, points, share) in cases {
        assert_eq!(reading.share(weight(points), false), share, "{reading} with weight {points}");
    }
}

/// The set-up that guides have shown for years: priorities 5 and 4, and a process that is worth 2.
#[test]
fn the_two_router_guide() {
    let priority = |base: u8, reading: Reading| {
        effective(Priority::new(base).unwrap(), [reading.share(weight(2), false)]).get()
    };
    assert_eq!((priority(5, Reading::Up), priority(4, Reading::Up)), (7, 6));
    assert_eq!((priority(5, Reading::Down), priority(4, Reading::Up)), (5, 6));
    assert_eq!((priority(5, Reading::Down), priority(4, Reading::Down)), (5, 4));
}

#[test]
fn the_owner_follows_faults_alone() {
    for reading in [Reading::Up, Reading::Down, Reading::Number(-9_999)] {
        let share = reading.share(weight(-200), true);
        assert_eq!(
            (share, effective(Priority::OWNER, [share])),
            (Share::Points(0), Priority::OWNER)
        );
    }
    assert_eq!(Reading::Down.share(TrackWeight::ZERO, true), Share::Fault);
    assert_eq!(Reading::Unknown.share(TrackWeight::ZERO, true), Share::Waiting);
}

#[test]
fn who_is_at_work_does_not_wait() {
    assert_eq!(Share::Waiting.at_work(), Share::Points(0));
    assert_eq!(Share::Fault.at_work(), Share::Fault);
    assert_eq!(Share::Points(-3).at_work(), Share::Points(-3));
}

fn readings() -> impl Strategy<Value = Reading> {
    prop_oneof![
        Just(Reading::Unknown),
        Just(Reading::Up),
        Just(Reading::Down),
        any::<i32>().prop_map(Reading::Number),
        (-300_i32..300).prop_map(Reading::Number),
    ]
}

fn trackers() -> impl Strategy<Value = Vec<(Reading, i16)>> {
    prop::collection::vec((readings(), -253_i16..=253), 0..8)
}

fn shares(trackers: &[(Reading, i16)], owner: bool) -> Vec<Share> {
    trackers.iter().map(|(reading, points)| reading.share(weight(*points), owner)).collect()
}

proptest! {
    #[test]
    fn nobody_is_made_an_owner_or_silenced(base in 1_u8..=255, trackers in trackers()) {
        let owner = base == 255;
        let priority = effective(Priority::new(base).unwrap(), shares(&trackers, owner)).get();
        prop_assert_eq!(priority == 255, owner);
        prop_assert!(priority >= 1);
        // Within the range it is a plain sum.
        let sum: i32 = shares(&trackers, owner).iter().map(|share| i32::from(share.points())).sum();
        prop_assert_eq!(i32::from(priority), if owner { 255 } else { (i32::from(base) + sum).clamp(1, 254) });
    }

    #[test]
    fn the_order_does_not_matter(base in 1_u8..=254, mut trackers in trackers()) {
        let base = Priority::new(base).unwrap();
        let before = effective(base, shares(&trackers, false));
        trackers.reverse();
        prop_assert_eq!(effective(base, shares(&trackers, false)), before);
    }

    /// Losing something never makes a director more likely to be master than having it.
    #[test]
    fn up_is_never_worse_than_down(base in 1_u8..=255, mut trackers in trackers(), points in -253_i16..=253) {
        let base = Priority::new(base).unwrap();
        let judge = |trackers: &[(Reading, i16)]| {
            let shares = shares(trackers, base == Priority::OWNER);
            (shares.iter().filter(|share| share.forbids()).count(), effective(base, shares))
        };
        trackers.push((Reading::Down, points));
        let down = judge(&trackers);
        trackers.last_mut().unwrap().0 = Reading::Up;
        let up = judge(&trackers);
        prop_assert!(up.0 <= down.0 && up.1 >= down.1, "{up:?} {down:?}");
        // And it makes a difference, unless the range or the owner says otherwise.
        if points == 0 {
            prop_assert_eq!((up.0 + 1, up.1), down);
        } else if base != Priority::OWNER && (2..=253).contains(&up.1.get()) && (2..=253).contains(&down.1.get()) {
            prop_assert_eq!(i32::from(up.1.get()) - i32::from(down.1.get()), i32::from(points.abs()));
        }
    }

    #[test]
    fn weight_zero_never_moves_a_priority(base in 1_u8..=255, trackers in prop::collection::vec(readings(), 0..8)) {
        let base = Priority::new(base).unwrap();
        let trackers: Vec<_> = trackers.into_iter().map(|reading| (reading, 0)).collect();
        prop_assert_eq!(effective(base, shares(&trackers, base == Priority::OWNER)), base);
    }
}
