//! How a data thread is told to end.

use std::sync::Arc;

use tokio::sync::watch;

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Not at all.
    #[default]
    Running,
    /// Nothing is accepted any more; connections end with their next response.
    Draining,
    /// All connections are closed.
    Stopping,
}

/// A handle that any thread may hold.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Phase>>);

impl Stop {
    /// Of a thread that is to be started.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Running)))
    }

    /// Accept nothing more; end when the last connection has ended.
    pub fn drain(&self) {
        self.move_to(Phase::Draining);
    }

    /// End now.
    pub fn stop(&self) {
        self.move_to(Phase::Stopping);
    }

    /// There is no way back.
    fn move_to(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let forward = phase > *now;
            *now = phase.max(*now);
            forward
        });
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
