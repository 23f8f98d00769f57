//! Pools: what decides about each real server (operator, check, next hop), and what came of it.

use super::services::weight;
use crate::{
    api::{HealthStatus, Leaving, PoolStatus, QuorumStatus, RemovedStatus, ServerStatus},
    cli::{
        paint::{Paint, Tone},
        table::{self, Column},
        units,
        vrrp::problems,
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
        let words = if pool.transition_held {
            "in transition, held open by active connections".to_owned()
        } else {
            format!("in transition for {} more", units::seconds(left))
        };
        format!(", {}", paint.put(Tone::Odd, &words))
    });
    let odd = pool.odd.as_ref().map(|odd| format!("  {}\n", paint.put(Tone::Odd, odd)));
    let problems = problems("notifications", &pool.notifications);
    let problems = problems.map(|words| format!("  {}\n", paint.put(Tone::Odd, &words)));
    let removed = pool.removed.iter().map(|removed| removed_row(removed, paint));
    let rows = pool.servers.iter().map(|server| row(server, paint)).chain(removed).collect();
    format!(
        "{title}  {}, {} slots{}{}\n{}{}{}",
        pool.scheduler,
        pool.ring_slots,
        pool.quorum.as_ref().map(quorum).unwrap_or_default(),
        transition.unwrap_or_default(),
        odd.unwrap_or_default(),
        problems.unwrap_or_default(),
        table::lines(COLUMNS, rows, paint),
    )
}

fn quorum(quorum: &QuorumStatus) -> String {
    let QuorumStatus { needed, hysteresis, alive, .. } = quorum;
    let hysteresis = if *hysteresis > 0 { format!(" ± {hysteresis}") } else { String::new() };
    format!(", quorum {needed}{hysteresis} (weight {alive} alive)")
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
            let age = hop.age_seconds.map(|age| format!(" {} ago", units::seconds(age)));
            let state = format!("{}{}", hop.state, age.unwrap_or_default());
            (format!("{} on {}", hop.mac, hop.interface), state, tone)
        }
        None if server.local => ("this host".to_owned(), "-".to_owned(), Tone::Usual),
        None => ("-".to_owned(), "unresolved".to_owned(), Tone::Odd),
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
        paint.put(hop_tone, &hop_state),
        notes(server),
    ]
}

/// A real server that has left, and whose connections may go on.
fn removed_row(removed: &RemovedStatus, paint: Paint) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        none(),
        removed.address.to_string(),
        paint.put(Tone::Odd, "removed"),
        none(),
        none(),
        paint.put(Tone::Usual, "-"),
        none(),
        none(),
        paint.put(Tone::Usual, "-"),
        left(&removed.leaving),
    ]
}

fn left(leaving: &Leaving) -> String {
    match leaving {
        Leaving { drained: true, .. } => "drained".to_owned(),
        Leaving { connections_left: 0, .. } => "no active connections left".to_owned(),
        Leaving { connections_left, .. } => {
            format!("{} left", units::plural(*connections_left, "connection"))
        }
    }
}

/// Whose word holds where it is not the file's, what the pool's rules make of it, and why its check fails.
fn notes(server: &ServerStatus) -> String {
    let word = match server.admin {
        Admin::Drain => Some("operator: drain"),
        Admin::Maintenance => Some("operator: maintenance"),
        Admin::Ready => server.differs_from_file.then_some("differs from the file"),
    };
    let advice = server.advice.as_ref().map(|advice| format!("its own word: {advice}"));
    let left = server.leaving.as_ref().map(left);
    let reason = server.health.as_ref().and_then(|HealthStatus { kind, reason, .. }| {
        reason.as_ref().map(|reason| format!("{kind} check: {reason}"))
    });
    let backup = server.backup.then_some("backup");
    let damped = server
        .damped_seconds
        .map(|left| format!("comes and goes: held down for {} more", units::seconds(left)));
    let ejected = server
        .ejected_seconds
        .map(|left| format!("requests failed: out for {} more", units::seconds(left)));
    let keeps = server.keeps_flows.then_some("keeps its connections");
    let (advice, left) = (advice.as_deref(), left.as_deref());
    let (damped, ejected) = (damped.as_deref(), ejected.as_deref());
    let all = [word, advice, backup, left, damped, ejected, keeps, reason.as_deref()];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
