//! Advertisements as bytes (RFC 9568 §5.1, RFC 3768 §5.1).
//!
//! ```text
//!  version 2                                          version 3
//! ┌───────┬───────┬─────────┬──────────┬──────────┐  ┌───────┬───────┬─────────┬──────────┬──────────┐
//! │ 2 │ 1 │ VRID  │ priority│ addresses│          │  │ 3 │ 1 │ VRID  │ priority│ addresses│          │
//! ├───────┴┬──────┴─────────┼──────────┘          │  ├───┬───┴───────┴─────────┼──────────┘          │
//! │ auth.  │ seconds        │ checksum            │  │ 0 │ centiseconds (12)   │ checksum            │
//! ├────────┴────────────────┴─────────────────────┤  ├───┴─────────────────────┴─────────────────────┤
//! │ IPv4 addresses, then 8 bytes of authentication │  │ IPv4 or IPv6 addresses                        │
//! └────────────────────────────────────────────────┘  └───────────────────────────────────────────────┘
//! ```
//! Over IPv4 a raw socket gives and takes the IP header as well; over IPv6 its fields travel beside the payload.

mod ah;
mod checksum;
mod emit;
mod endpoint;
mod frame;
mod ipv4;
mod parse;
mod reject;

pub use emit::Outgoing;
pub use endpoint::{Endpoint, EndpointError};
pub use parse::{Advertisement, Packet, parse};
pub use reject::Reject;

use std::net::{Ipv4Addr, Ipv6Addr};

/// The number of VRRP among the IP protocols.
pub const PROTOCOL: u8 = 112;
/// The number of the authentication header, which has VRRP behind it (version 2).
pub const AH_PROTOCOL: u8 = 51;
/// Where advertisements go over IPv4.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Where advertisements go over IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// No router forwards a packet with this TTL or hop limit into the segment.
pub const HOPS: u8 = 255;
/// Network control: what routers send first.
pub const TRAFFIC_CLASS: u8 = 0xc0;

/// The only type there is.
const ADVERTISEMENT: u8 = 1;
/// Bytes before the addresses.
const HEADER: usize = 8;
/// Where the checksum stands.
const CHECKSUM: usize = 6;
/// Authentication types of version 2.
const AUTH_NONE: u8 = 0;
const AUTH_PASS: u8 = 1;
const AUTH_AH: u8 = 2;

#[cfg(test)]
#[path = "packet_test.rs"]
mod tests;
