//! End to end: `lb` in a lab of network namespaces, with real requests going on. Needs root.
//!
//! Each test has a lab of its own, so they run side by side. `cargo xtask test` builds what they start.

mod add;
mod asking;
mod broken;
mod capture;
mod cli;
mod cluster;
mod consistency;
mod crash;
mod databases;
mod drain;
mod fence;
mod flood;
mod frr;
mod guard;
mod guide;
mod health;
mod host;
mod keepalived;
mod kinds;
mod kinds_names;
mod kinds_web;
mod local;
mod marks;
mod notify;
mod peers;
mod preflight;
mod real_server;
mod reload;
mod requests;
mod rivals;
mod rules;
mod servant;
mod stage;
mod takeover;
mod through;
mod trace;
mod track;
mod traffic;
mod tunnel;
mod vlan;
mod vrrp;
mod vrrp_connections;
mod vrrp_routing;
mod wrong;
