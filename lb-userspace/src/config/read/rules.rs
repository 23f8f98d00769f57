//! The rules of a `[[pool]]`: quorum, backups, panic, damping.

use toml::Spanned;

use super::{Item, Sink, Table, schema};
use crate::{
    config::draft::RulesDraft,
    model::{Backups, BelowQuorum, Damping, OnDown, PoolRules, Quorum},
};

const BELOW_QUORUM: [(&str, BelowQuorum); 2] =
    [("close", BelowQuorum::Close), ("serve", BelowQuorum::Serve)];
const BACKUPS: [(&str, Backups); 2] = [("all", Backups::All), ("first", Backups::First)];
const ON_DOWN: [(&str, OnDown); 3] =
    [("move", OnDown::Move), ("keep", OnDown::Keep), ("kill", OnDown::Kill)];

/// Reads those keys of a pool.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> RulesDraft {
    let below =
        table.get("below_quorum").and_then(|item| item.word(sink, "answer", &BELOW_QUORUM, &[]));
    let backups = table.get("backups").and_then(|item| item.word(sink, "choice", &BACKUPS, &[]));
    let on_down = table.get("on_down").and_then(|item| item.word(sink, "answer", &ON_DOWN, &[]));
    let panic =
        table.get("panic_threshold").and_then(|item| item.text(sink, |text| Ok(text.parse()?)));
    let rules = PoolRules {
        quorum: quorum(table, sink),
        below_quorum: below.as_ref().map(|below| *below.get_ref()).unwrap_or_default(),
        backups: backups.as_ref().map(|backups| *backups.get_ref()).unwrap_or_default(),
        on_down: on_down.as_ref().map(|on_down| *on_down.get_ref()).unwrap_or_default(),
        panic: panic.as_ref().map(|panic| *panic.get_ref()),
        damping: table.get("damping").and_then(|item| damping(&item, sink)),
    };
    RulesDraft {
        rules,
        quorum: table.get("quorum").map(|item| item.span),
        below_quorum: below.map(|below| below.span()),
        backups: backups.map(|backups| backups.span()),
        damping: table.get("damping").map(|item| item.span),
        kill: on_down
            .filter(|on_down| *on_down.get_ref() == OnDown::Kill)
            .map(|on_down| on_down.span()),
    }
}

fn quorum(table: &Table<'_>, sink: &mut Sink) -> Option<Quorum> {
    let quorum = table.get("quorum").map(|item| item.integer(sink, |n| Ok(Quorum::new(n)?)));
    let Some(hysteresis) = table.get("quorum_hysteresis") else {
        return quorum.flatten().map(Spanned::into_inner);
    };
    let Some(quorum) = quorum else {
        let message = "`quorum_hysteresis` without `quorum` holds nothing";
        sink.error(hysteresis.span, hysteresis.path, message)
            .help("add `quorum = 2`, or leave it out".to_owned());
        return None;
    };
    let quorum = quorum?.into_inner();
    let both = hysteresis.integer(sink, |n| Ok(quorum.with_hysteresis(n)?));
    both.map(Spanned::into_inner)
}

fn damping(item: &Item<'_>, sink: &mut Sink) -> Option<Damping> {
    let table = item.table(&schema::DAMPING, sink)?;
    let changes = table
        .require("changes", "6", sink)
        .and_then(|item| item.integer(sink, |number| Ok(Damping::changes(number)?)));
    let mut time = |key, example| {
        let item = table.require(key, example, sink)?;
        item.duration(sink, |time| Ok(Damping::time(time)?)).map(Spanned::into_inner)
    };
    let (within, hold) = (time("within", "\"5m\""), time("hold", "\"2m\""));
    Some(Damping { changes: changes?.into_inner(), within: within?, hold: hold? })
}
