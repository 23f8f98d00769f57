//! What the processes of one `lb run` say to each other: whole packets over Unix sockets, with descriptors beside them.

mod letter;
pub mod link;
mod packets;
mod post;

pub use link::{Crew, Ending, Identity, News, Word};
pub use packets::{DESCRIPTORS, LARGEST, Packets, Received};
pub use post::{Post, split};
