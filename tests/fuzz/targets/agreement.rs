//! Any frame through the XDP program and the decision on the host. Needs root.
#![no_main]

use std::cell::RefCell;

use lb_fuzz::{agreement::Pair, mutate, seeds};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

thread_local!(static PAIR: RefCell<Pair> = RefCell::default());

fuzz_target!(
    init: seeds::write().expect("the folder for the seeds takes them"),
    |frame: &[u8]| PAIR.with_borrow_mut(|pair| pair.check(frame))
);

fuzz_mutator!(|frame: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(frame, size, max_size);
    if seed.is_multiple_of(2) {
        mutate::fit(&mut frame[..size]);
    }
    size
});
