//! Packets through the real XDP program (BPF_PROG_TEST_RUN).
//!
//! Every frame goes through [`director::Director::send`], which checks each byte that came out and each
//! counter: a test says only where a frame should go. Needs root.

mod answer;
mod claims;
mod client;
mod craft;
mod director;
mod event;
mod family;
mod frames;
mod plane;
mod quotes;
mod random;
mod samples;
mod schedulers;
mod uplink;
mod wrap;

mod agreement;
mod availability;
mod counting;
mod errors;
mod fence;
mod fragments;
mod guard;
mod headers;
mod hostile;
mod lengths;
mod marks;
mod model;
mod others;
mod quic;
mod refusals;
mod rules;
mod services;
mod staying;
mod survival;
mod through;
mod transition;
mod tunnels;
mod unpack;
mod vlans;
mod windows;
