//! Rules that can never decide.

use super::Condition;

/// A rule whose requests an earlier one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The one that takes them, counted from 0.
    pub earlier: usize,
    /// The one that gets none.
    pub later: usize,
    /// Both fit the same requests: one of them is a mistake. Else the two are in the wrong order.
    pub same: bool,
}

/// Every rule that gets no requests, with the first rule that takes them. What is found is certain; what only
/// several rules together cover is not found.
#[must_use]
pub fn conflicts(conditions: &[&Condition]) -> Vec<Conflict> {
    let mut found = Vec::new();
    for (later, condition) in conditions.iter().enumerate() {
        let earlier = conditions[..later].iter().position(|earlier| earlier.covers(condition));
        if let Some(earlier) = earlier {
            found.push(Conflict { earlier, later, same: condition.covers(conditions[earlier]) });
        }
    }
    found
}
