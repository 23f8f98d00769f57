//! When announcements are said again that all may have been lost: what comes at once, shares one fate.

use std::time::Duration;

/// After the first ones. An interface that has just been set up, or a host that has just woken, loses whatever is sent
/// in the first milliseconds; a neighbour would then ask by itself only after seconds.
const AFTER: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
];

/// The echoes of one announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoes {
    begun: Duration,
    said: usize,
}

impl Echoes {
    /// Of one that is made now.
    #[must_use]
    pub const fn new(now: Duration) -> Self {
        Self { begun: now, said: 0 }
    }

    /// When the next one is to be said.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        AFTER.get(self.said).map(|after| self.begun + *after)
    }

    /// True where one is to be said now. Those that are late are said as one.
    pub fn say(&mut self, now: Duration) -> bool {
        let before = self.said;
        while self.next().is_some_and(|next| next <= now) {
            self.said += 1;
        }
        self.said > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn they_come_further_and_further_apart_and_end() {
        let mut echoes = Echoes::new(ms(7));
        for at in [17, 57, 207, 1_007] {
            assert_eq!(echoes.next(), Some(ms(at)));
            assert!(!echoes.say(ms(at - 1)));
            assert!(echoes.say(ms(at)));
            assert!(!echoes.say(ms(at)), "once");
        }
        assert_eq!(echoes.next(), None);
    }

    #[test]
    fn a_host_that_stood_still_says_one() {
        let mut echoes = Echoes::new(ms(0));
        assert!(echoes.say(ms(300)));
        assert_eq!(echoes.next(), Some(ms(1_000)));
        assert!(echoes.say(ms(90_000)));
        assert_eq!(echoes.next(), None);
    }
}
