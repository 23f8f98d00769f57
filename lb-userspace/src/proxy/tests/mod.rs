//! The engine between real sockets on this host.

mod authority;
mod bodies;
mod client;
mod limits;
mod observe;
mod refusals;
mod reload;
pub(super) mod server;
pub(super) mod stage;
mod streams;
mod tls;
mod tls_servers;
