//! What several checks of one real server say together.

use super::{Advice, Initial, State};

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
    advice: Vec<Advice>,
}

impl Several {
    /// So many checks, none of which has a result yet; `needed` of them must find the server up. The advice holds
    /// until each has heard another.
    #[must_use]
    pub fn new(checks: usize, needed: usize, initial: Initial, advice: Advice) -> Self {
        let settled = matches!(initial, Initial::Known(_));
        let (results, advice) = (vec![None; checks], vec![advice; checks]);
        Self { needed, initial: initial.state(), settled, results, advice }
    }

    /// The same with the results of an earlier agent.
    #[must_use]
    pub fn resume(needed: usize, found: impl IntoIterator<Item = (State, Advice)>) -> Self {
        let (results, advice) =
            found.into_iter().map(|(state, advice)| (Some(state), advice)).unzip();
        Self { needed, initial: State::Down, settled: true, results, advice }
    }

    /// Other checks than before, after a reload. Those in the same place keep their results.
    pub fn change(&mut self, checks: usize, needed: usize) {
        self.initial = self.state();
        self.settled = self.is_settled();
        self.needed = needed;
        self.results.resize(checks, None);
        self.advice.resize(checks, Advice::NONE);
    }

    /// Takes a result. One of a check that is gone is ignored.
    pub fn note(&mut self, check: usize, found: State, advice: Advice) {
        if let (Some(result), Some(heard)) =
            (self.results.get_mut(check), self.advice.get_mut(check))
        {
            (*result, *heard) = (Some(found), advice);
        }
    }

    /// How much the server wants: the least that any of them has heard.
    #[must_use]
    pub fn advice(&self) -> Advice {
        self.advice.iter().fold(Advice::NONE, |all, one| all.and(*one))
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
    use crate::health::{Share, Wish};
    use State::{Down, Up};

    #[test]
    fn all_or_some() {
        for (needed, results, wanted) in
            [(2, [Up, Up], Up), (2, [Up, Down], Down), (1, [Up, Down], Up), (1, [Down, Down], Down)]
        {
            let mut several = Several::new(2, needed, Initial::Assumed(Up), Advice::NONE);
            for (check, found) in results.into_iter().enumerate() {
                several.note(check, found, Advice::NONE);
            }
            assert_eq!(several.state(), wanted, "{needed} of {results:?}");
        }
    }

    #[test]
    fn before_the_first_results_nothing_changes() {
        let mut up = Several::new(2, 2, Initial::Assumed(Up), Advice::NONE);
        assert_eq!(up.state(), Up);
        up.note(1, Down, Advice::NONE);
        assert_eq!(up.state(), Down);
        let mut down = Several::new(2, 2, Initial::Assumed(Down), Advice::NONE);
        down.note(0, Up, Advice::NONE);
        assert_eq!(down.state(), Down, "the second has not said so");
        down.note(1, Up, Advice::NONE);
        assert_eq!(down.state(), Up);
    }

    #[test]
    fn what_is_assumed_is_not_settled() {
        let mut two = Several::new(2, 1, Initial::Assumed(Up), Advice::NONE);
        two.note(0, Up, Advice::NONE);
        assert!(!two.is_settled());
        two.note(1, Down, Advice::NONE);
        assert!(two.is_settled());
        two.change(3, 3);
        assert!(two.is_settled(), "a reload takes nothing back");
        assert!(Several::new(2, 2, Initial::Known(Down), Advice::NONE).is_settled());
    }

    #[test]
    fn a_restart_takes_up_each_result() {
        let mut several = Several::resume(2, [(Up, Advice::NONE), (Down, Advice::NONE)]);
        assert_eq!((several.state(), several.is_settled()), (Down, true));
        several.note(1, Up, Advice::NONE);
        assert_eq!(several.state(), Up, "the first is up already");
        assert_eq!(Several::resume(1, [(Up, Advice::NONE), (Down, Advice::NONE)]).state(), Up);
    }

    #[test]
    fn a_reload_changes_no_state_by_itself() {
        let mut several = Several::new(1, 1, Initial::Assumed(Up), Advice::NONE);
        several.note(0, Up, Advice::NONE);
        several.change(3, 3);
        assert_eq!(several.state(), Up);
        several.note(2, Down, Advice::NONE);
        assert_eq!(several.state(), Down);
        several.change(2, 2);
        assert_eq!(several.state(), Down, "until the second has a result");
        several.note(1, Up, Advice::NONE);
        assert_eq!(several.state(), Up);
        several.note(9, Down, Advice::NONE);
        assert_eq!(several.state(), Up);
    }

    #[test]
    fn the_least_advice_counts() {
        let mut several = Several::new(2, 2, Initial::Assumed(Up), Advice::NONE);
        let half = Advice { share: Share::rounded(50), ..Advice::NONE };
        several.note(0, Up, half);
        several.note(1, Up, Advice { wish: Wish::Drain, ..Advice::NONE });
        assert_eq!(several.advice(), Advice { wish: Wish::Drain, ..half });
        several.change(1, 1);
        assert_eq!(several.advice(), half);
        let mut carried = Several::new(2, 2, Initial::Known(Up), half);
        carried.note(0, Up, Advice::NONE);
        assert_eq!(carried.advice(), half, "the second has not said so");
        carried.note(1, Up, Advice::NONE);
        assert_eq!(carried.advice(), Advice::NONE);
    }
}
