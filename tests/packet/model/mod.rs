//! A model states the rules of tracking ([`rules`]); random sequences of packets, changes, flaps and time find no
//! difference between it and the real program.
//!
//! The model takes two things as given: which real server each slot of a ring has, and where a flow's hash stands.

mod notes;
mod rings;
mod rules;
mod scheduling;
mod sequence;
mod services;
mod tally;
mod window;
mod world;

use std::cell::RefCell;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

use sequence::{Story, crowded, stories};
use tally::{Rule, Tally};
use world::Stage;

/// Stories that are played; `LB_MODEL_CASES` plays more.
const CASES: u32 = 1_024;
/// Of so many stories, one has crowds: its program is loaded for it alone.
const CROWDED: u32 = 32;

#[test]
fn the_program_follows_the_rules() {
    let stage = RefCell::new(Stage::new());
    let tally = tell(cases(), stories(), |story| stage.borrow_mut().play(story));
    tally.assert_met(&Rule::ALL, 3);
    tally.assert_moved(1_000);
}

#[test]
fn full_tables_forget_by_the_rules() {
    let tally = tell(cases() / CROWDED, crowded(), |story| Stage::crowded().play(story));
    tally.assert_met(&Rule::CROWDED, 3);
}

fn cases() -> u32 {
    let cases = std::env::var("LB_MODEL_CASES").map(|cases| cases.parse().expect("a number"));
    cases.unwrap_or(CASES)
}

/// Plays stories, and says what they have met.
fn tell(
    cases: u32,
    stories: impl Strategy<Value = Story>,
    play: impl Fn(&Story) -> Result<Tally, proptest::test_runner::TestCaseError>,
) -> Tally {
    let config =
        Config { cases, max_shrink_iters: cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tally = RefCell::new(Tally::default());
    let result = TestRunner::new_with_rng(config, rng).run(&stories, |story| {
        tally.borrow_mut().add(&play(&story)?);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\n{story}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let tally = tally.into_inner();
    println!("{tally}");
    tally
}
