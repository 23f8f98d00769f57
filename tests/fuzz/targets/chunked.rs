//! Any bytes through the reader of chunked bodies.
#![no_main]

use lb_fuzz::http;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: http::write_bodies().expect("the folder for the seeds takes them"),
    |bytes: &[u8]| http::check_chunked(bytes)
);
