//! What several checks of one real server say together.

use super::{Initial, State};

/// The results of a real server's checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    /// So many must find it up.
    needed: usize,
    /// What holds of a check without a result yet.
    initial: State,
    /// What holds was found by checks, be it those of an earlier agent.
    settled: bool,
    results: Vec<Option<State>>,
}

impl Several {
    /// So many checks, none of which has a result yet; `needed` of them must find the server up.
    #[must_use]
    pub fn new(checks: usize, needed: usize, initial: Initial) -> Self {
        let settled = matches!(initial, Initial::Known(_));
        Self { needed, initial: initial.state(), settled, results: vec![None; checks] }
    }

    /// Other checks than before, after a reload. Those in the same place keep their results.
    pub fn change(&mut self, checks: usize, needed: usize) {
        self.initial = self.state();
        self.settled = self.is_settled();
        self.needed = needed;
        self.results.resize(checks, None);
    }

    /// Takes a result. One of a check that is gone is ignored.
    pub fn note(&mut self, check: usize, found: State) {
        if let Some(result) = self.results.get_mut(check) {
            *result = Some(found);
        }
    }

    /// Is what they say together found, and not assumed? Only then another state is a transition.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled || self.results.iter().all(Option::is_some)
    }

    /// What they say together.
    #[must_use]
    pub fn state(&self) -> State {
        let found = self.results.iter().map(|result| result.unwrap_or(self.initial));
        let up = found.filter(|state| *state == State::Up).count();
        if up >= self.needed { State::Up } else { State::Down }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Down, Up};

    #[test]
    fn all_or_some() {
        for (needed, results, wanted) in
            [(2, [Up, Up], Up), (2, [Up, Down], Down), (1, [Up, Down], Up), (1, [Down, Down], Down)]
        {
            let mut several = Several::new(2, needed, Initial::Assumed(Up));
            results.into_iter().enumerate().for_each(|(check, found)| several.note(check, found));
            assert_eq!(several.state(), wanted, "{needed} of {results:?}");
        }
    }

    #[test]
    fn before_the_first_results_nothing_changes() {
        let mut up = Several::new(2, 2, Initial::Assumed(Up));
        assert_eq!(up.state(), Up);
        up.note(1, Down);
        assert_eq!(up.state(), Down);
        let mut down = Several::new(2, 2, Initial::Assumed(Down));
        down.note(0, Up);
        assert_eq!(down.state(), Down, "the second has not said so");
        down.note(1, Up);
        assert_eq!(down.state(), Up);
    }

    #[test]
    fn what_is_assumed_is_not_settled() {
        let mut two = Several::new(2, 1, Initial::Assumed(Up));
        two.note(0, Up);
        assert!(!two.is_settled());
        two.note(1, Down);
        assert!(two.is_settled());
        two.change(3, 3);
        assert!(two.is_settled(), "a reload takes nothing back");
        assert!(Several::new(2, 2, Initial::Known(Down)).is_settled());
    }

    #[test]
    fn a_reload_changes_no_state_by_itself() {
        let mut several = Several::new(1, 1, Initial::Assumed(Up));
        several.note(0, Up);
        several.change(3, 3);
        assert_eq!(several.state(), Up);
        several.note(2, Down);
        assert_eq!(several.state(), Down);
        several.change(2, 2);
        assert_eq!(several.state(), Down, "until the second has a result");
        several.note(1, Up);
        assert_eq!(several.state(), Up);
        several.note(9, Down);
        assert_eq!(several.state(), Up);
    }
}
