//! A model states the rules of tracking ([`rules`]); random sequences of packets, changes, flaps and time find no
//! difference between it and the real program.
//!
//! The model takes two things as given: which real server each slot of a ring has, and where a flow's hash stands.

mod rings;
mod rules;
mod sequence;
mod services;
mod tally;
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use sequence::stories;
use tally::Tally;
use world::Stage;

/// Stories that are played; `LB_MODEL_CASES` plays more.
const CASES: u32 = 1_024;

#[test]
fn the_program_follows_the_rules() {
    let cases = std::env::var("LB_MODEL_CASES").map(|cases| cases.parse().expect("a number"));
    let config = Config {
        cases: cases.unwrap_or(CASES),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (stage, tally) = (RefCell::new(Stage::new()), RefCell::new(Tally::default()));
    let result = TestRunner::new_with_rng(config, rng).run(&stories(), |story| {
        let met = stage.borrow_mut().play(&story)?;
        tally.borrow_mut().add(&met);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\n{story}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let tally = tally.into_inner();
    println!("{tally}");
    tally.assert_complete(3, 1_000);
}
