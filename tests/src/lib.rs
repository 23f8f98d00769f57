//! The lab: a client, directors, real servers and a switch on this machine, with real packets between them.
//!
//! [`lab::Lab`] raises the network, [`lab::Director`] runs `lb` in it, [`load`] sends requests through
//! it, [`download`] holds a connection open, [`connections`] thousands, [`flood`] attacks, and [`outage`] watches a
//! VIP move.
//! `cargo xtask run`, `cargo xtask lab` and every end-to-end test use these.

pub mod arp;
pub mod connections;
pub mod contest;
pub mod download;
pub mod flood;
pub mod http;
pub mod interrupt;
#[cfg(target_arch = "x86_64")]
pub mod intruder;
pub mod lab;
pub mod load;
pub mod mail;
pub mod outage;
pub mod webhook;
