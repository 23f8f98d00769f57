//! Our output beside that of the programs it stands in for. Needs those programs, but not root.

mod haproxy;
mod haproxy_log;
