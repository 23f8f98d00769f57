//! Forwarding methods: one a file.

mod direct;

pub(crate) use direct::direct_routing;
