//! When the transition window of a pool closes.

use std::time::{Duration, Instant};

use crate::model::{Pool, Window};

/// How often the end of a window that active flows hold open is looked at again.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// A transition window that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    closes: Instant,
    held: bool,
    latest: Instant,
}

impl OpenWindow {
    /// A window that opens now.
    #[must_use]
    pub fn open(now: Instant, policy: Window) -> Self {
        Self { closes: now + policy.length(), held: false, latest: now + Pool::LONGEST_WINDOW }
    }

    /// Another change within it: each change gets its time, but flows hold the window no longer than before.
    pub fn extend(&mut self, now: Instant, policy: Window) {
        *self = Self { latest: self.latest, ..Self::open(now, policy) };
    }

    /// When it closes; while it is held: when that is looked at again.
    #[must_use]
    pub const fn closes(&self) -> Instant {
        self.closes
    }

    /// True where active flows hold it open.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// To be called when it would close: true where it is put off, because flows are active that its end would
    /// move. They hold it no longer than [`Pool::LONGEST_WINDOW`] after it was opened.
    pub fn hold(&mut self, now: Instant, policy: Window, active: impl FnOnce() -> bool) -> bool {
        let held = now < self.latest && active();
        if held {
            self.held = true;
            let pause = (policy.length() / 8).clamp(SHORTEST_HOLD, LONGEST_HOLD);
            self.closes = (now + pause).min(self.latest);
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn it_is_held_until_nobody_needs_it() {
        let start = Instant::now();
        let policy = Window::For(8 * MINUTE);
        let mut window = OpenWindow::open(start, policy);
        assert_eq!((window.closes(), window.is_held()), (start + 8 * MINUTE, false));
        assert!(window.hold(window.closes(), policy, || true));
        assert_eq!((window.closes(), window.is_held()), (start + 9 * MINUTE, true));
        window.extend(start + 8 * MINUTE, policy);
        assert_eq!((window.closes(), window.is_held()), (start + 16 * MINUTE, false));
        assert!(!window.hold(window.closes(), policy, || false));
    }

    #[test]
    fn the_longest_time_is_that_of_the_first_change() {
        let start = Instant::now();
        let latest = start + Pool::LONGEST_WINDOW;
        let mut window = OpenWindow::open(start, Window::UntilDrained);
        assert!(window.hold(latest - MINUTE / 2, Window::UntilDrained, || true));
        assert_eq!(window.closes(), latest, "not a minute later");
        window.extend(latest - MINUTE / 2, Window::UntilDrained);
        assert_eq!(window.closes(), latest + MINUTE * 29 / 2, "the last change gets its time");
        assert!(!window.hold(window.closes(), Window::UntilDrained, || true), "and no more");
    }
}
