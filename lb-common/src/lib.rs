//! What the XDP program and user space must agree on.
//!
//! The layout of the maps ([`abi`]), how a frame is read ([`wire`], [`decode`], [`flow`]), which real server a flow
//! belongs to ([`flow_hash`], [`ring`], [`track`]) and what is done with the packet ([`verdict`]). The same
//! functions run inside XDP, in the agent and in `lb trace`, so that they cannot disagree.
#![cfg_attr(not(any(test, feature = "user")), no_std)]

pub mod abi;
pub mod decode;
pub mod fence;
pub mod flow;
pub mod flow_hash;
pub mod mark;
pub mod ring;
pub mod schedule;
pub mod through;
pub mod track;
pub mod verdict;
pub mod wire;
