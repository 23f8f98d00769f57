//! End to end: `lb` in a lab of network namespaces, with real requests going on. Needs root.
//!
//! Each test has a lab of its own, so they run side by side. `cargo xtask test` builds what they start.

mod add;
mod capture;
mod cli;
mod consistency;
mod crash;
mod drain;
mod flood;
mod guard;
mod health;
mod host;
mod keepalived;
mod local;
mod marks;
mod peers;
mod preflight;
mod real_server;
mod reload;
mod requests;
mod stage;
mod takeover;
mod trace;
mod traffic;
mod tunnel;
mod vlan;
mod vrrp;
mod vrrp_routing;
mod wrong;
