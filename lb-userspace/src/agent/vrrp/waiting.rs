//! What the loop waits for: packets and timers.

use std::{collections::BTreeMap, future::poll_fn, task::Poll};

use tokio::time::{Instant, sleep_until};

use super::segment::Segment;
use crate::vrrp::types::Family;

/// Waits until there is something to do: a packet may wait, or a timer is due.
pub(super) async fn due(segments: &BTreeMap<(u32, Family), Segment>, deadline: Option<Instant>) {
    tokio::select! {
        () = readable(segments) => {}
        () = until(deadline) => {}
    }
}

/// Waits until a packet may wait at one of the sockets.
async fn readable(segments: &BTreeMap<(u32, Family), Segment>) {
    poll_fn(|context| {
        let sockets = segments.values().flat_map(|segment| &segment.sockets);
        // Each of them, so that each wakes this task.
        let ready =
            sockets.fold(false, |ready, socket| socket.poll_readable(context).is_ready() | ready);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Waits until then; without a time, for ever.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
