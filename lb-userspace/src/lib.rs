//! The agent.

pub mod agent;
pub mod api;
pub mod capture;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod config_file;
pub mod health;
pub mod http;
pub mod model;
pub mod notify;
pub mod plan;
pub mod preflight;
pub mod probe;
pub mod schedule;
pub mod vrrp;
