//! Telling people and programs what has happened: what is said, in which order, and when it is tried again.

mod change;
mod groups;
mod outbox;
mod queue;

pub use change::{Change, Letter, ServerNews, Stance, Subject};
pub use groups::Groups;
pub use outbox::{GIVE_UP, Outbox, Posted};
pub use queue::Queue;
