//! Pools: what decides about each real server (operator, check, next hop), and what came of it.

use super::services::weight;
use crate::{
    api::{HealthStatus, PoolStatus, ServerStatus},
    cli::{
        paint::{Paint, Tone},
        table::{self, Column},
        units,
    },
    plan::Admin,
};

const COLUMNS: &[Column] = &[
    Column::Text("REAL SERVER"),
    Column::Text("ADDRESS"),
    Column::Toned("STATE"),
    Column::Number("WEIGHT"),
    Column::Number("SHARE"),
    Column::Toned("CHECK"),
    Column::Text("SINCE"),
    Column::Text("NEXT HOP"),
    Column::Toned("NEIGHBOUR"),
    Column::Text("NOTES"),
];

/// A block for each pool, with an empty line between them.
pub(in crate::cli) fn text(pools: &[&PoolStatus], paint: Paint) -> String {
    pools.iter().map(|pool| block(pool, paint)).collect::<Vec<_>>().join("\n")
}

fn block(pool: &PoolStatus, paint: Paint) -> String {
    let title = paint.put(Tone::Title, &format!("pool {}", pool.name));
    let transition = pool.transition_seconds.map(|left| {
        let left = units::seconds(left);
        format!(", {}", paint.put(Tone::Odd, &format!("in transition for {left} more")))
    });
    let rows = pool.servers.iter().map(|server| row(server, paint)).collect();
    format!(
        "{title}  {}, {} slots{}\n{}",
        pool.scheduler,
        pool.ring_slots,
        transition.unwrap_or_default(),
        table::lines(COLUMNS, rows, paint),
    )
}

fn row(server: &ServerStatus, paint: Paint) -> Vec<String> {
    let (check, check_tone, since) = match &server.health {
        Some(HealthStatus { state, since_seconds, .. }) => {
            (state.as_str(), Tone::of_state(state), units::seconds(*since_seconds))
        }
        None => ("none", Tone::Usual, "-".to_owned()),
    };
    let (hop, hop_state, hop_tone) = match &server.next_hop {
        Some(hop) => {
            let tone = Tone::of_state(&hop.state);
            (format!("{} on {}", hop.mac, hop.interface), hop.state.as_str(), tone)
        }
        None => ("-".to_owned(), "unresolved", Tone::Odd),
    };
    vec![
        server.name.to_string(),
        server.address.to_string(),
        paint.put(Tone::of_state(&server.state), &server.state),
        weight(server.weight, server.sorry),
        units::share(server.share),
        paint.put(check_tone, check),
        since,
        hop,
        paint.put(hop_tone, hop_state),
        notes(server),
    ]
}

/// Whose word holds where it is not the file's, and why its check fails.
fn notes(server: &ServerStatus) -> String {
    let word = match server.admin {
        Admin::Drain => Some("operator: drain"),
        Admin::Maintenance => Some("operator: maintenance"),
        Admin::Ready => server.differs_from_file.then_some("differs from the file"),
    };
    let reason = server.health.as_ref().and_then(|health| health.reason.as_deref());
    [word, reason].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
