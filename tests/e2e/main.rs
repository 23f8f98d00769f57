//! End to end, in network namespaces.
