//! Entries as JSON, read back.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::sample::entry;
use super::*;

fn read(entry: &Entry<'_>) -> Value {
    let mut out = Vec::new();
    write_json(&mut out, entry);
    assert!(!out.contains(&b'\n'));
    serde_json::from_slice(&out).expect("JSON")
}

#[test]
fn an_object_with_everything() {
    let expected = json!({
        "time": "2009-02-06T12:14:14.655321+00:00",
        "client": "10.0.1.2:33317",
        "local": "10.0.0.1:80",
        "service": "http-in",
        "pool": "static",
        "server": "srv1",
        "server_address": "10.0.0.9:8080",
        "tls_version": null,
        "tls_cipher": null,
        "method": "GET",
        "target": "/index.html",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes_sent": 2750,
        "bytes_received": 120,
        "termination": "--",
        "time_handshake": 0,
        "time_idle": 0,
        "time_request": 10,
        "time_queue": 0,
        "time_connect": 30,
        "time_response": 69,
        "time_total": 109,
        "retries": 0,
        "redispatched": false,
        "request_fields": ["1wt.eu"],
        "response_fields": [null],
        "id": null,
    });
    assert_eq!(read(&entry()), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in it, it is JSON, and text comes back.
    #[test]
    fn anything_can_be_read_back(text in ".{0,40}", bytes in vec(any::<u8>(), 0..40)) {
        let fields = [Some(text.as_bytes()), Some(&bytes[..]), None];
        let found = read(&Entry { request: Some(&bytes), request_fields: &fields, ..entry() });
        prop_assert_eq!(found["request_fields"][0].as_str(), Some(text.as_str()));
        prop_assert_eq!(&found["request_fields"][2], &Value::Null);
    }
}
