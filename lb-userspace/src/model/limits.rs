//! Limits: the sizes of the maps in the kernel, fixed while they live.

use serde::{Deserialize, Serialize};

/// How much of everything fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address, protocol and port of a service: one each.
    pub services: u32,
    /// Real servers, those on their way out included.
    pub reals: u32,
    /// Counters: one for each real server of each service.
    pub counters: u32,
    /// Slots of all rings together, two bytes each.
    pub ring_slots: u32,
    /// Confirmed flows that are tracked through a change.
    pub flows: u32,
    /// Flows of which only the first packet was seen.
    pub new_flows: u32,
    /// Fragmented datagrams that are remembered at a time.
    pub fragments: u32,
    /// Prefixes of all guard lists together.
    pub guard_prefixes: u32,
    /// Networks of clients whose rate is watched.
    pub guard_sources: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            services: 4_096,
            reals: 16_384,
            counters: 65_536,
            ring_slots: 16_777_216,
            flows: 262_144,
            new_flows: 65_536,
            fragments: 8_192,
            guard_prefixes: 131_072,
            guard_sources: 65_536,
        }
    }
}

/// One of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// [`Limits::services`]
    Services,
    /// [`Limits::reals`]
    Reals,
    /// [`Limits::counters`]
    Counters,
    /// [`Limits::ring_slots`]
    RingSlots,
    /// [`Limits::flows`]
    Flows,
    /// [`Limits::new_flows`]
    NewFlows,
    /// [`Limits::fragments`]
    Fragments,
    /// [`Limits::guard_prefixes`]
    GuardPrefixes,
    /// [`Limits::guard_sources`]
    GuardSources,
}

/// A limit that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit {value} is out of range: `{}` is {} to {}", .key.as_str(), .key.range().0, .key.range().1)]
pub struct LimitError {
    key: LimitKey,
    value: i128,
}

impl LimitKey {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Services,
        Self::Reals,
        Self::Counters,
        Self::RingSlots,
        Self::Flows,
        Self::NewFlows,
        Self::Fragments,
        Self::GuardPrefixes,
        Self::GuardSources,
    ];

    /// Its key in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Reals => "reals",
            Self::Counters => "counters",
            Self::RingSlots => "ring_slots",
            Self::Flows => "flows",
            Self::NewFlows => "new_flows",
            Self::Fragments => "fragments",
            Self::GuardPrefixes => "guard_prefixes",
            Self::GuardSources => "guard_sources",
        }
    }

    /// The smallest and the largest value.
    pub const fn range(self) -> (u32, u32) {
        match self {
            Self::Services => (1, 65_536),
            Self::Reals | Self::Counters => (1, 1_048_576),
            Self::RingSlots => (65_536, 268_435_456),
            Self::Flows | Self::NewFlows | Self::GuardSources => (1_024, 16_777_216),
            Self::Fragments => (1_024, 1_048_576),
            Self::GuardPrefixes => (1_024, 4_194_304),
        }
    }

    /// Checks the range of a limit.
    pub fn check(self, value: impl Into<i128>) -> Result<u32, LimitError> {
        let value = value.into();
        let (min, max) = self.range();
        u32::try_from(value)
            .ok()
            .filter(|limit| (min..=max).contains(limit))
            .ok_or(LimitError { key: self, value })
    }
}

impl Limits {
    /// The limit of that key.
    pub const fn get(&self, key: LimitKey) -> u32 {
        match key {
            LimitKey::Services => self.services,
            LimitKey::Reals => self.reals,
            LimitKey::Counters => self.counters,
            LimitKey::RingSlots => self.ring_slots,
            LimitKey::Flows => self.flows,
            LimitKey::NewFlows => self.new_flows,
            LimitKey::Fragments => self.fragments,
            LimitKey::GuardPrefixes => self.guard_prefixes,
            LimitKey::GuardSources => self.guard_sources,
        }
    }

    /// Replaces the limit of that key.
    pub const fn set(&mut self, key: LimitKey, value: u32) {
        *match key {
            LimitKey::Services => &mut self.services,
            LimitKey::Reals => &mut self.reals,
            LimitKey::Counters => &mut self.counters,
            LimitKey::RingSlots => &mut self.ring_slots,
            LimitKey::Flows => &mut self.flows,
            LimitKey::NewFlows => &mut self.new_flows,
            LimitKey::Fragments => &mut self.fragments,
            LimitKey::GuardPrefixes => &mut self.guard_prefixes,
            LimitKey::GuardSources => &mut self.guard_sources,
        } = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range() {
        for key in LimitKey::ALL {
            let value = Limits::default().get(key);
            assert_eq!(key.check(value), Ok(value));
        }
    }

    #[test]
    fn out_of_range() {
        assert_eq!(
            LimitKey::Services.check(0).unwrap_err().to_string(),
            "limit 0 is out of range: `services` is 1 to 65536"
        );
        assert!(LimitKey::Reals.check(i128::MAX).is_err());
    }
}
