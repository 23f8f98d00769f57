//! The engine between real sockets on this host.

mod bodies;
mod client;
mod limits;
mod refusals;
mod server;
mod stage;
mod streams;
