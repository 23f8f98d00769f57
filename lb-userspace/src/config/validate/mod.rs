//! What concerns several values of a configuration at once.

mod addresses;
mod decapsulate;
mod guard;
mod limits;
mod listeners;
mod names;
mod notify;
mod pools;
mod proxied;
mod routes;
mod rules;
mod schedulers;
mod track;
mod virtual_macs;
mod vrrp;

use super::{diagnostic::Sink, draft::Draft};

/// Reports everything that does not fit together.
pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    names::validate(draft, sink);
    addresses::validate(draft, sink);
    listeners::validate(draft, sink);
    pools::validate(draft, sink);
    proxied::validate(draft, sink);
    routes::validate(draft, sink);
    rules::validate(draft, sink);
    schedulers::validate(draft, sink);
    guard::validate(draft, sink);
    decapsulate::validate(draft, sink);
    vrrp::validate(draft, sink);
    virtual_macs::validate(draft, sink);
    track::validate(draft, sink);
    notify::validate(draft, sink);
    limits::validate(draft, sink);
}
