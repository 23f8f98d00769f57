//! Any frame through the host's decoder and verdict.
#![no_main]

use lb_fuzz::{decode::Host, mutate, seeds};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

thread_local!(static HOST: Host = Host::default());

fuzz_target!(
    init: seeds::write().expect("the folder for the seeds takes them"),
    |frame: &[u8]| HOST.with(|host| host.check(frame))
);

fuzz_mutator!(|frame: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(frame, size, max_size);
    if seed.is_multiple_of(2) {
        mutate::fit(&mut frame[..size]);
    }
    size
});
