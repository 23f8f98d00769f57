//! Any packet through the reader of VRRP packets.
#![no_main]

use lb_fuzz::vrrp::{self, Host};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

thread_local!(static HOST: Host = Host::default());

fuzz_target!(
    init: vrrp::write().expect("the folder for the seeds takes them"),
    |packet: &[u8]| HOST.with(|host| host.check(packet))
);

fuzz_mutator!(|packet: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(packet, size, max_size);
    if seed.is_multiple_of(2) {
        vrrp::fit(&mut packet[..size]);
    }
    size
});
