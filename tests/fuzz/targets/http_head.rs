//! Any bytes through the readers of HTTP/1.1 heads.
#![no_main]

use lb_fuzz::http;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: http::write_heads().expect("the folder for the seeds takes them"),
    |bytes: &[u8]| http::check_head(bytes)
);
