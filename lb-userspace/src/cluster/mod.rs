//! What the directors of a cluster say to each other: which configuration and which operator's word each has, and
//! changes that are meant for all of them.
//!
//! They answer a packet alike only if they share the seed and everything their rings are built from. Nothing here
//! is needed for that to work: a director that hears nobody goes on by itself.

mod message;
mod seal;
mod summary;

pub use message::{Answer, LONGEST, Question};
pub use seal::{Meeting, NONCE, SealKey, TAG, Way};
pub use summary::Summary;
