//! HTTP/1.1 (RFC 9110 and 9112) without a socket: heads, bodies, and what a proxy decides about them.
//!
//! Bytes come in as they arrive, in any segments, and offsets into them come out. Whatever two servers could
//! read in two ways is refused: that is what request smuggling is made of.
//!
//! ```text
//! bytes ─▶ Lines ─▶ RequestReader ─▶ Request ─▶ framing ─▶ BodyReader ─▶ ranges of data
//!                   ResponseReader ─▶ Response ─┤              └ Chunked
//!                                               ├▶ connection, upgrade: what becomes of the two connections
//!                                               └▶ edit ─▶ the head for the next hop
//! ```

pub mod answer;
mod body;
mod bytes;
mod chunked;
pub mod connection;
pub mod date;
pub mod edit;
mod fields;
pub mod framing;
mod head;
mod limits;
mod lines;
mod refusal;
pub mod rules;
mod status;
pub mod upgrade;

pub use body::{BodyReader, Truncated};
pub use chunked::{Chunked, LAST_CHUNK, chunk_head};
pub use fields::{Field, Fields, Known};
pub use head::{
    Authority, Method, Request, RequestReader, Response, ResponseReader, Target, Version,
};
pub use limits::Limits;
pub use refusal::Refusal;
pub use status::Status;
pub use upgrade::Upgrade;
