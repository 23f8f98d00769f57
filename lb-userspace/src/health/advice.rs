//! What a real server that is well says of how much it wants.
//!
//! It counts beside the operator's word, never in its place.

use serde::{Deserialize, Serialize};

use crate::model::Weight;

/// What a check that has passed has heard. Nothing, of most kinds: then all is as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The weight it wants instead of the configured one.
    pub weight: Option<Weight>,
    /// How much of its weight it wants.
    pub share: Share,
    /// Whether it wants connections at all.
    pub wish: Wish,
}

impl Default for Advice {
    fn default() -> Self {
        Self::NONE
    }
}

/// A part of a weight, or a multiple: 0 to 200 percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "u16", into = "u16")]
pub struct Share(u16);

impl Share {
    /// All of it, as configured.
    pub const FULL: Self = Self(100);
    /// The most.
    pub const MOST: Self = Self(200);
    /// Percent from one to the next: each change of a weight moves connections, and a load that is measured
    /// anew every second never stands still.
    const STEP: u32 = 5;

    /// The nearest one, in steps of 5 percent. Only 0 is nothing.
    #[must_use]
    pub fn rounded(percent: u32) -> Self {
        let most = u32::from(Self::MOST.0);
        let steps = (percent.min(most) + Self::STEP / 2) / Self::STEP;
        let percent = if percent == 0 { 0 } else { steps.max(1) * Self::STEP };
        Self(u16::try_from(percent).unwrap_or(Self::MOST.0))
    }

    /// In percent.
    #[must_use]
    pub const fn percent(self) -> u16 {
        self.0
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::FULL
    }
}

impl From<u16> for Share {
    fn from(percent: u16) -> Self {
        Self::rounded(percent.into())
    }
}

impl From<Share> for u16 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// Whether a real server wants connections. The later one is the stronger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// As others.
    #[default]
    Ready,
    /// No new ones.
    Drain,
    /// None at all.
    Maintenance,
}

impl Advice {
    /// All as configured.
    pub const NONE: Self = Self { weight: None, share: Share::FULL, wish: Wish::Ready };

    /// What it asks for: who wants no part of its weight wants no new connections.
    #[must_use]
    pub fn asks(&self) -> Wish {
        let nothing = self.weight.is_some_and(Weight::is_zero) || self.share.percent() == 0;
        self.wish.max(if nothing { Wish::Drain } else { Wish::Ready })
    }

    /// What two checks of one real server say together: the less of each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let weight = match (self.weight, other.weight) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { weight, share: self.share.min(other.share), wish: self.wish.max(other.wish) }
    }

    /// The weight as it is told to people: `75 %`, `weight 3`, or nothing where it is as configured.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let wish = match self.wish {
            Wish::Ready => None,
            Wish::Drain => Some("drain".to_owned()),
            Wish::Maintenance => Some("maintenance".to_owned()),
        };
        let weight = self.weight.map(|weight| format!("weight {weight}"));
        let share = (self.share != Share::FULL).then(|| format!("{} %", self.share.percent()));
        let words: Vec<_> = [wish, weight, share].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_steps() {
        for (percent, rounded) in [
            (0, 0),
            (1, 5),
            (2, 5),
            (7, 5),
            (8, 10),
            (75, 75),
            (98, 100),
            (200, 200),
            (u32::MAX, 200),
        ] {
            assert_eq!(Share::rounded(percent).percent(), rounded, "{percent}");
        }
    }

    #[test]
    fn the_less_of_each_counts() {
        let weight = |number: u16| Some(Weight::new(number).unwrap());
        let one = Advice { weight: weight(3), share: Share::rounded(50), wish: Wish::Ready };
        let other = Advice { weight: weight(2), share: Share::rounded(80), wish: Wish::Drain };
        let both = Advice { weight: weight(2), share: Share::rounded(50), wish: Wish::Drain };
        assert_eq!((one.and(other), other.and(one)), (both, both));
        assert_eq!(one.and(Advice::default()), one);
        assert_eq!(both.words().as_deref(), Some("drain, weight 2, 50 %"));
        assert_eq!(Advice::default().words(), None);
        assert_eq!(
            (one.asks(), both.asks(), Advice::NONE.asks()),
            (Wish::Ready, Wish::Drain, Wish::Ready)
        );
        assert_eq!(Advice { weight: weight(0), ..one }.asks(), Wish::Drain);
        assert_eq!(Advice { share: Share::rounded(0), ..one }.asks(), Wish::Drain);
    }
}
