//! The rules of a pool: those that can come to bear.

use crate::config::{
    diagnostic::Sink,
    draft::{Draft, PoolDraft},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for pool in &draft.pools {
        quorum(pool, sink);
        backups(pool, sink);
        unchecked(pool, sink);
    }
}

/// One that can be reached, and that is there for what depends on it.
fn quorum(pool: &PoolDraft, sink: &mut Sink) {
    let rules = &pool.rules;
    if let (Some(quorum), Some(span)) = (rules.rules.quorum, &rules.quorum) {
        let weight: u32 = pool.servers.iter().map(|server| u32::from(server.weight.get())).sum();
        let wanted = quorum.needed() + quorum.hysteresis();
        if weight < wanted {
            let message = format!(
                "{} has a weight of {weight} in all: a lost quorum of {wanted}, hysteresis included, never comes back",
                pool.title()
            );
            sink.warning(span.clone(), format!("{}.quorum", pool.path), message)
                .help("count weights, not servers".to_owned());
        }
    } else if let (None, Some(span)) = (&rules.quorum, &rules.below_quorum) {
        let message = "`below_quorum` without `quorum` says nothing";
        sink.error(span.clone(), format!("{}.below_quorum", pool.path), message)
            .help("add `quorum = 2`, or leave it out".to_owned());
    }
}

fn backups(pool: &PoolDraft, sink: &mut Sink) {
    let count = pool.servers.iter().filter(|server| server.backup).count();
    if let Some(span) = pool.rules.backups.as_ref().filter(|_| count == 0) {
        let message = format!("{} has no backup servers: `backups` chooses nobody", pool.title());
        sink.warning(span.clone(), format!("{}.backups", pool.path), message)
            .help("write `backup = true` in a server".to_owned());
    }
    if count > 0 && count == pool.servers.len() {
        let message =
            format!("every server of {} is a backup: there is nothing to back up", pool.title());
        sink.warning(pool.span.clone(), format!("{}.servers", pool.path), message)
            .help("leave `backup` out where a server has its part every day".to_owned());
    }
}

/// What nobody checks never changes.
fn unchecked(pool: &PoolDraft, sink: &mut Sink) {
    let Some(span) = pool.rules.damping.as_ref().filter(|_| pool.checks.is_empty()) else { return };
    let message = format!("{} has no check: its servers never come and go", pool.title());
    sink.warning(span.clone(), format!("{}.damping", pool.path), message)
        .help("add `check = { ... }`, or leave `damping` out".to_owned());
}
