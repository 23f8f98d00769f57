//! An entry to begin with, for tests.

use super::{Connections, Entry, Moment, Queues, Server, Termination, Timers};
use crate::http::Status;

/// What HAProxy's documentation has as its example of `httplog`.
pub(super) fn entry() -> Entry<'static> {
    Entry {
        client: "10.0.1.2:33317".parse().expect("an address"),
        local: "10.0.0.1:80".parse().expect("an address"),
        frontend: "http-in",
        tls: None,
        backend: Some("static"),
        server: Server::Real {
            name: "srv1",
            address: "10.0.0.9:8080".parse().expect("an address"),
        },
        source: Some("10.0.0.1:40000".parse().expect("an address")),
        accepted: Moment { micros: 1_233_922_454_655_321, offset: 0 },
        began: Moment { micros: 1_233_922_454_655_321, offset: 0 },
        timers: Timers {
            handshake: 0,
            idle: 0,
            request: Some(10),
            queue: Some(0),
            connect: Some(30),
            response: Some(69),
            total: 109,
        },
        request: Some(b"GET /index.html HTTP/1.1"),
        status: Some(Status::OK),
        sent: 2_750,
        received: 120,
        termination: Termination::default(),
        retries: 0,
        redispatched: false,
        connections: Connections { process: 1, frontend: 1, backend: 1, server: 1 },
        queues: Queues::default(),
        request_fields: &[Some(b"1wt.eu")],
        response_fields: &[None],
        request_cookie: None,
        response_cookie: None,
        unique_id: None,
        line_number: 3,
        request_number: 12,
        process: 14_389,
        host: "vm",
    }
}
