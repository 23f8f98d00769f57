//! Whole pools: shares, queues, and many threads at once.

mod picking;
mod queueing;
mod threads;

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use super::*;
use crate::{
    model::{Backups, Weight},
    plan::Ramp,
};

/// The `number`th server of a pool, with room for `limit` (0: without a limit).
fn server(number: u16, weight: u16, limit: u32) -> Server {
    Server {
        place: Place(number),
        address: SocketAddr::from(([10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]], 80)),
        weight: Weight::new(weight).unwrap(),
        ramp: Ramp::FULL,
        backup: false,
        standing: Standing::Up,
        max_connections: NonZeroU32::new(limit),
    }
}

fn snapshot(servers: &[Server], algorithm: Algorithm) -> Arc<Snapshot> {
    Arc::new(Snapshot::new(servers.to_vec(), algorithm, Backups::All))
}

const HASHED: Algorithm = Algorithm::Hashed { bound: None };
