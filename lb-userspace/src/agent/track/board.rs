//! What all trackers have found, for whoever decides by it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tracing::info;

use crate::{model::Name, vrrp::track::Reading};

/// What a tracker has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct Finding {
    /// What it means.
    pub(in crate::agent) reading: Reading,
    /// Why, for people.
    pub(in crate::agent) reason: String,
    /// The last line of a script's last run.
    pub(in crate::agent) said: Option<String>,
}

/// By tracker.
pub(in crate::agent) type Findings = Arc<BTreeMap<Name, Finding>>;

/// Where trackers put down what they find.
///
/// What is published is one pointer: the VRRP thread, which reads it, never waits for somebody who copies a map.
#[derive(Debug)]
pub(super) struct Board {
    findings: Mutex<BTreeMap<Name, Finding>>,
    publish: watch::Sender<Findings>,
}

impl Board {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { findings: Mutex::default(), publish: watch::Sender::default() }
    }

    /// What is found from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Findings> {
        self.publish.subscribe()
    }

    /// What a tracker says at the moment.
    pub(super) fn reading(&self, tracker: &Name) -> Reading {
        self.lock().get(tracker).map_or(Reading::Unknown, |finding| finding.reading)
    }

    /// Puts down a finding; the same again is nothing new.
    pub(super) fn put(&self, tracker: &Name, finding: Finding) {
        let mut findings = self.lock();
        let before = findings.get(tracker);
        if before == Some(&finding) {
            return;
        }
        if before.is_none_or(|before| before.reading != finding.reading) {
            let Finding { reading, reason, .. } = &finding;
            info!(tracker = %tracker, state = %reading, reason, "tracker");
        }
        findings.insert(tracker.clone(), finding);
        self.publish.send_replace(Arc::new(findings.clone()));
    }

    /// Keeps those of these trackers alone.
    pub(super) fn retain(&self, keep: impl Fn(&Name) -> bool) {
        let mut findings = self.lock();
        findings.retain(|name, _| keep(name));
        self.publish.send_replace(Arc::new(findings.clone()));
    }

    /// A panic elsewhere leaves the map whole: each change of it is one call.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, Finding>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
