//! When a window closes.

use std::time::Duration;

use lb_userspace::model::Window;

/// Nothing holds a window open for longer.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// A window that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    opened: Duration,
    /// When it closes, or is looked at again.
    pub(super) due: Duration,
}

impl Closing {
    pub(super) fn open(now: Duration, policy: Window) -> Self {
        Self { opened: now, due: now + length(policy) }
    }

    /// One more change: it gets its time, and it does not matter how much of the longest is left.
    pub(super) fn overlap(&mut self, now: Duration, policy: Window) {
        self.due = now + length(policy);
    }

    /// True where flows may hold it open.
    pub(super) fn may_be_held(&self, now: Duration) -> bool {
        now - self.opened < LONGEST
    }

    /// It stays open for an eighth of its length, 1 to 60 seconds, and is looked at again.
    pub(super) fn hold(&mut self, now: Duration, policy: Window) {
        let pause = (length(policy) / 8).clamp(Duration::from_secs(1), Duration::from_secs(60));
        self.due = (now + pause).min(self.opened + LONGEST);
    }
}

/// How long a window is that nobody holds open.
fn length(policy: Window) -> Duration {
    match policy {
        Window::For(length) => length,
        Window::UntilDrained => Duration::from_secs(15 * 60),
    }
}

/// For how long a flow may be silent and still hold it.
pub(super) fn patience(policy: Window) -> Duration {
    match policy {
        Window::For(length) => length,
        Window::UntilDrained => LONGEST,
    }
}
