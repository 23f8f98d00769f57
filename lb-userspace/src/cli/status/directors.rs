//! The other directors of the cluster: whether they answer a packet as this one does.

use crate::{
    api::DirectorStatus,
    cli::{
        paint::{Paint, Tone},
        table::{self, Column},
        units,
    },
};

const COLUMNS: &[Column] = &[
    Column::Text("ADDRESS"),
    Column::Text("NAME"),
    Column::Text("HEARD"),
    Column::Toned("STATE"),
    Column::Text("NOTES"),
];

/// A table, and what differs below it; nothing without other directors.
pub(super) fn text(directors: &[DirectorStatus], paint: Paint) -> String {
    if directors.is_empty() {
        return String::new();
    }
    let rows = directors.iter().map(|director| row(director, paint)).collect();
    let title = paint.put(Tone::Title, "other directors");
    let mut text = format!("{title}\n{}", table::lines(COLUMNS, rows, paint));
    for director in directors {
        for difference in &director.differences {
            text.push_str(&format!("  {}: {difference}\n", director.address));
        }
    }
    text
}

fn row(director: &DirectorStatus, paint: Paint) -> Vec<String> {
    let heard = director.heard_seconds.map(|seconds| format!("{} ago", units::seconds(seconds)));
    let (tone, state) = match director {
        DirectorStatus { silent: Some(_), .. } => (Tone::Odd, "silent"),
        DirectorStatus { heard_seconds: None, .. } => (Tone::Usual, "not asked yet"),
        DirectorStatus { differences, .. } if differences.is_empty() => (Tone::Good, "the same"),
        _ => (Tone::Bad, "differs"),
    };
    vec![
        director.address.to_string(),
        director.name.as_ref().map_or("-", |name| name.as_str()).to_owned(),
        heard.unwrap_or_else(|| "never".to_owned()),
        paint.put(tone, state),
        director.silent.clone().unwrap_or_default(),
    ]
}
