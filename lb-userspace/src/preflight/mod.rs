//! What this host is like, and what of it would break or slow direct routing.

pub mod host;
pub mod network;
pub mod setting;
