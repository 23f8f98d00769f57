//! What is known without a note, against what the notes say.

use proptest::{
    collection::vec, prelude::any, prop_assert_eq, prop_oneof, proptest, sample::select,
    strategy::Strategy, test_runner::Config,
};

use super::*;

/// A packet, or something that happens to the real servers, after some time.
#[derive(Clone, Copy, Debug)]
enum Event {
    Segment(Segment, bool),
    Usable(&'static [u16]),
}

proptest! {
    #![proptest_config(Config::with_cases(4_096))]

    /// What is known without a note says what the note would say, and keeps nothing from being noted.
    #[test]
    fn what_was_seen_lately_changes_nothing(story in vec(event(), 1..40)) {
        let with = Memory { lately: Some(FlowSet::default()), ..Memory::new(ALL) };
        let (mut with, mut without) = (with, Memory::new(ALL));
        for (after, event) in story {
            for memory in [&mut with, &mut without] {
                memory.now.set(memory.now.get() + after);
            }
            match event {
                Event::Usable(usable) => {
                    for memory in [&mut with, &mut without] {
                        memory.usable = usable.iter().copied().collect();
                    }
                }
                Event::Segment(segment, learn) => {
                    prop_assert_eq!(with.sees(segment, learn), without.sees(segment, learn));
                }
            }
            prop_assert_eq!(&with.flows, &without.flows);
            prop_assert_eq!(&with.new_flows, &without.new_flows);
        }
    }
}

/// Nanoseconds, and what happens then.
fn event() -> impl Strategy<Value = (u64, Event)> {
    let after = prop_oneof![0..SECOND / 2, SECOND - 9_000_000..SECOND + 9_000_000, 0..130 * SECOND];
    let segment = (select(&SEGMENTS), any::<bool>());
    let usable = select(&[ALL, LOST, &[CURRENT], &[NOTED], &[]][..]);
    let event = prop_oneof![
        20 => segment.prop_map(|(segment, learn)| Event::Segment(segment, learn)),
        10 => any::<()>().prop_map(|()| Event::Segment(Other, true)),
        1 => usable.prop_map(Event::Usable),
    ];
    (after, event)
}
