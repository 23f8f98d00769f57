//! Trackers: those that are named exist, and what they are worth can count.

use toml::Spanned;

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, ServiceDraft, TrackedDraft, TrackerDraft, VrrpDraft},
        nearest::{did_you_mean, list},
    },
    model::{Mode, Name, TrackerKind},
    vrrp::{track::TrackWeight, types::Priority},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for instance in &draft.vrrp {
        for (place, tracked) in instance.track.iter().enumerate() {
            once(&instance.track[..place], tracked, sink);
            let tracker = draft.trackers.iter().find(|tracker| tracker.is(tracked.name.get_ref()));
            match tracker {
                Some(tracker) => of_owner(instance, tracked, tracker, sink),
                None => unknown(draft, tracked, sink),
            }
        }
    }
    for tracker in &draft.trackers {
        used(draft, tracker, sink);
        pool(draft, tracker, sink);
        proxy(draft, tracker, sink);
    }
}

fn once(before: &[TrackedDraft], tracked: &TrackedDraft, sink: &mut Sink) {
    let name = tracked.name.get_ref();
    if let Some(first) = before.iter().find(|other| other.name.get_ref() == name) {
        let message = format!("tracker `{name}` is named twice");
        sink.error(tracked.name.span(), &tracked.path, message)
            .related(first.name.span(), "first here");
    }
}

fn unknown(draft: &Draft, tracked: &TrackedDraft, sink: &mut Sink) {
    let names = draft.trackers.iter().filter_map(|tracker| tracker.name.as_ref());
    let known: Vec<_> = names.map(|name| name.get_ref().as_str()).collect();
    let name = tracked.name.get_ref();
    let help = did_you_mean(name.as_str(), known.iter().copied()).unwrap_or_else(|| {
        if known.is_empty() {
            "describe what is watched in a [[track]]".to_owned()
        } else {
            format!("the trackers are {}", list(known))
        }
    });
    sink.error(tracked.name.span(), &tracked.path, format!("there is no tracker `{name}`"))
        .help(help);
}

/// The owner has priority 255 or no business with the addresses: keepalived ignores weights there, too.
fn of_owner(instance: &VrrpDraft, tracked: &TrackedDraft, tracker: &TrackerDraft, sink: &mut Sink) {
    let own = tracked.weight.as_ref().map(|weight| *weight.get_ref());
    let weight = own.unwrap_or_else(|| tracker.weight());
    if instance.priority != Some(Priority::OWNER) || weight == TrackWeight::ZERO {
        return;
    }
    let span = tracked.weight.as_ref().map_or_else(|| tracked.name.span(), Spanned::span);
    let message = format!("weight {weight} has no effect: {} is the owner (255)", instance.title());
    sink.warning(span, &tracked.path, message)
        .help("lower the priority, or write weight 0 to stop serving while it is down".to_owned());
}

fn used(draft: &Draft, tracker: &TrackerDraft, sink: &mut Sink) {
    let Some(name) = &tracker.name else { return };
    let mut tracked = draft.vrrp.iter().flat_map(|instance| &instance.track);
    if !tracked.any(|tracked| tracked.name.get_ref() == name.get_ref()) {
        let message = format!("no instance tracks `{}`", name.get_ref());
        sink.warning(name.span(), format!("{}.name", tracker.path), message)
            .help(format!("add `track = [\"{}\"]` to a [[vrrp]]", name.get_ref()));
    }
}

/// A tracker of a service that there is, and that the proxy serves.
fn proxy(draft: &Draft, tracker: &TrackerDraft, sink: &mut Sink) {
    let Some(TrackerKind::Proxy(wanted)) = &tracker.kind else { return };
    let named = |service: &&ServiceDraft| {
        service.name.as_ref().is_some_and(|name| name.get_ref() == wanted)
    };
    let path = format!("{}.proxy", tracker.path);
    let Some(service) = draft.services.iter().find(named) else {
        let names = || draft.services.iter().filter_map(|service| service.name.as_ref());
        let known = || names().map(|name| Name::as_str(name.get_ref()));
        let help = did_you_mean(wanted.as_str(), known())
            .unwrap_or_else(|| format!("the services are {}", list(known())));
        let message = format!("there is no service `{wanted}`");
        sink.error(tracker.place.clone(), path, message).help(help);
        return;
    };
    if !service.mode.is_some_and(Mode::is_proxied) {
        let message = format!("`{wanted}` is no service of the proxy: XDP forwards it");
        sink.error(tracker.place.clone(), path, message)
            .help("watch its pool with `pool` instead".to_owned());
    }
}

fn pool(draft: &Draft, tracker: &TrackerDraft, sink: &mut Sink) {
    let Some(TrackerKind::Pool(wanted)) = &tracker.kind else { return };
    let names = || draft.pools.iter().filter_map(|pool| pool.name.as_ref());
    let known = || names().map(|name| Name::as_str(name.get_ref()));
    if known().any(|name| name == wanted.as_str()) {
        return;
    }
    let help = did_you_mean(wanted.as_str(), known())
        .unwrap_or_else(|| format!("the pools are {}", list(known())));
    let message = format!("there is no pool `{wanted}`");
    sink.error(tracker.place.clone(), format!("{}.pool", tracker.path), message).help(help);
}
