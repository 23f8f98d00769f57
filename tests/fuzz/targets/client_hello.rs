//! Any bytes through the reader of ClientHellos, and through rustls.
#![no_main]

use lb_fuzz::client_hello;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: client_hello::write().expect("the folder for the seeds takes them"),
    |bytes: &[u8]| client_hello::check(bytes)
);
