//! The sequences, by what is odd about them.

mod answers;
mod bodies;
mod chunks;
mod connections;
mod fields;
mod lines;

use super::case::Case;

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let mut all = lines::all();
    all.extend(fields::all());
    all.extend(bodies::all());
    all.extend(chunks::all());
    all.extend(answers::all());
    all.extend(connections::all());
    all
}
