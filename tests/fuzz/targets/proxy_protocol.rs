//! Any bytes through the reader of headers of the PROXY protocol.
#![no_main]

use lb_fuzz::proxy_protocol;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: proxy_protocol::write().expect("the folder for the seeds takes them"),
    |bytes: &[u8]| proxy_protocol::check(bytes)
);
