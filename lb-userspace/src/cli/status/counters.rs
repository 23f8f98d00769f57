//! Packets that were not forwarded: what went on to the host, and what was dropped, with reasons.

use crate::{
    api::ReasonStatus,
    cli::{
        paint::{Paint, Tone},
        table::{self, Column},
        units,
    },
};

const COLUMNS: &[Column] =
    &[Column::Text("REASON"), Column::Number("PACKETS"), Column::Number("BYTES")];

/// A table of each kind; nothing where nothing was counted.
pub(super) fn text(reasons: &[ReasonStatus], paint: Paint) -> String {
    let kinds = [("passed to the host", false), ("dropped", true)];
    let tables = kinds.into_iter().filter_map(|(title, drops)| {
        let counted = reasons.iter().filter(|reason| reason.drops == drops && reason.packets > 0);
        let rows: Vec<_> = counted.map(row).collect();
        let title = paint.put(Tone::Title, title);
        (!rows.is_empty()).then(|| format!("{title}\n{}", table::lines(COLUMNS, rows, paint)))
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn row(reason: &ReasonStatus) -> Vec<String> {
    vec![reason.words.clone(), units::count(reason.packets), units::bytes(reason.bytes)]
}
