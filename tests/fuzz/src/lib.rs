//! What the fuzz targets check, over the frames and the tools of the packet tests.
//!
//! [`decode`]: the host's decoder and verdict on plain collections. [`agreement`]: the XDP program against both.
//! [`vrrp`]: packets with advertisements. [`mod@http`]: heads and chunked bodies. [`proxy_protocol`], [`client_hello`]:
//! what comes before a stream.
//! `cargo xtask fuzz` builds and runs them.

pub mod agreement;
pub mod client_hello;
mod config;
pub mod decode;
pub mod http;
pub mod mutate;
mod plain;
pub mod proxy_protocol;
pub mod seeds;
mod unpack;
pub mod vrrp;

#[path = "../../packet/answer.rs"]
mod answer;
#[path = "../../packet/craft.rs"]
#[expect(dead_code, reason = "the packet tests use more of it")]
mod craft;
#[path = "../../packet/director.rs"]
#[expect(dead_code, reason = "the packet tests use more of it")]
mod director;
#[path = "../../packet/family.rs"]
#[expect(dead_code, reason = "the packet tests use more of it")]
mod family;
#[path = "../../packet/frames.rs"]
mod frames;
#[path = "../../packet/plane.rs"]
mod plane;
#[path = "../../packet/quotes.rs"]
mod quotes;
#[path = "../../packet/samples.rs"]
mod samples;
#[path = "../../packet/wrap.rs"]
mod wrap;
