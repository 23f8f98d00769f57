//! VRRP (RFC 9568, and RFC 3768 for version 2): who holds the VIPs, decided among directors.
//!
//! Pure: packets come in as bytes and go out as bytes, time is the [`Duration`](std::time::Duration) since a
//! start of the caller's choosing, and what is to be done comes out as values. Sockets, addresses and
//! announcements are the shell's.
//!
//! RFC 9568 says *Active*; people who run keepalived say *master*, and so does this code.

pub mod group;
pub mod machine;
pub mod packet;
pub mod track;
pub mod types;
