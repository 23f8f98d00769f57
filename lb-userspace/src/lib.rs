//! All of `lb` that is not in the kernel.

pub mod access_log;
pub mod agent;
pub mod api;
pub mod balance;
pub mod capture;
pub mod certificates;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod config_file;
pub mod health;
pub mod http;
pub mod ipc;
pub mod model;
pub mod notify;
pub mod plan;
pub mod preamble;
pub mod preflight;
pub mod probe;
pub mod proxy;
pub mod sandbox;
pub mod schedule;
pub mod supervisor;
pub mod vrrp;
