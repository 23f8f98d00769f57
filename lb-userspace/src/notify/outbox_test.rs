//! The outbox on a virtual clock.

use proptest::prelude::*;

use super::*;

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn a_server_that_is_down_is_asked_ever_more_seldom() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.deadline(), None);
    assert_eq!(outbox.post(seconds(1), "a"), None);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let now = outbox.deadline().unwrap().max(seconds(1));
        let posted = outbox.take(now).unwrap();
        assert_eq!(outbox.failed(now, posted), None);
        assert_eq!(outbox.take(now), None);
        pauses.push((outbox.deadline().unwrap() - now).as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    // It has come back: the next failure is the first again.
    let now = outbox.deadline().unwrap();
    assert_eq!(outbox.take(now).unwrap().letter, "a");
    outbox.settled();
    outbox.post(now, "b");
    let posted = outbox.take(now).unwrap();
    outbox.failed(now, posted);
    assert_eq!(outbox.deadline(), Some(now + seconds(2)));
    outbox.hurry(now);
    assert_eq!(outbox.take(now).unwrap().letter, "b");
}

#[test]
fn old_letters_are_given_up() {
    let mut outbox = Outbox::default();
    outbox.post(seconds(5), "a");
    let early = seconds(5) + GIVE_UP - Duration::from_millis(1);
    let posted = outbox.take(early).unwrap();
    assert_eq!(outbox.failed(early, posted), None);
    let late = early + seconds(2);
    let posted = outbox.take(late).unwrap();
    assert_eq!(outbox.failed(late, posted), Some("a"));
    assert!(outbox.is_empty());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Post,
    /// Wait until the deadline, and try; with this outcome.
    Try(bool),
    /// So many minutes.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Post),
        3 => any::<bool>().prop_map(Step::Try),
        1 => (0_u64..3_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_letter_has_one_end_and_they_leave_in_order(steps in steps()) {
        let (mut outbox, mut now) = (Outbox::default(), Duration::ZERO);
        let (mut posted, mut sent, mut lost) = (0_usize, Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Post => {
                    lost.extend(outbox.post(now, posted));
                    posted += 1;
                }
                Step::Wait(minutes) => now += Duration::from_mins(minutes),
                Step::Try(delivered) => {
                    let Some(deadline) = outbox.deadline() else { continue };
                    prop_assert!(deadline.saturating_sub(now) <= LONGEST_PAUSE);
                    now = now.max(deadline);
                    let taken = outbox.take(now).expect("it is due");
                    if delivered {
                        outbox.settled();
                        sent.push(taken.letter);
                    } else {
                        lost.extend(outbox.failed(now, taken));
                        prop_assert!(outbox.deadline().is_none_or(|next| next >= now + FIRST_PAUSE));
                    }
                }
            }
            prop_assert!(outbox.len() <= ROOM);
        }
        prop_assert!(sent.is_sorted());
        while let Some(taken) = outbox.take(Duration::MAX) {
            prop_assert!(sent.last().is_none_or(|last| *last < taken.letter));
            sent.push(taken.letter);
        }
        let mut all: Vec<_> = sent.into_iter().chain(lost).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..posted).collect::<Vec<_>>());
    }
}
