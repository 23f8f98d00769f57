//! What the others have, compared with what this director has.

use std::{net::IpAddr, time::Instant};

use tracing::{info, warn};

use super::{Cluster, WireError};
use crate::{api::DirectorStatus, cluster::Summary};

/// The last that was heard of a director.
#[derive(Debug)]
pub(super) struct Heard {
    /// What it had, when it answered last.
    summary: Option<Summary>,
    at: Instant,
    /// Why it has not answered since.
    silent: Option<String>,
    /// What was said of it in the log.
    logged: Vec<String>,
}

impl Cluster {
    /// Takes note of what a director has. `ours` is what this one has.
    pub(in crate::agent) fn note(
        &mut self,
        peer: IpAddr,
        summary: Result<Summary, WireError>,
        ours: &Summary,
        now: Instant,
    ) {
        let first = || Heard { summary: None, at: now, silent: None, logged: Vec::new() };
        let heard = self.heard.entry(peer).or_insert_with(first);
        match summary {
            Ok(summary) => {
                (heard.summary, heard.at, heard.silent) = (Some(summary), now, None);
            }
            Err(error) => heard.silent = Some(error.to_string()),
        }
        let words = heard.problems(ours);
        if words != heard.logged {
            match words.as_slice() {
                [] => info!(director = %peer, "the other director has what this one has"),
                words => warn!(director = %peer, "the other director: {}", words.join("; ")),
            }
            heard.logged = words;
        }
    }

    /// True where an address in `peers` turned out to be this host's own.
    pub(super) fn is_this_host(&self, peer: IpAddr) -> bool {
        let summary = self.heard.get(&peer).and_then(|heard| heard.summary.as_ref());
        summary.is_some_and(|summary| summary.run == self.run)
    }

    /// How the others stand, for `lb status`.
    pub(in crate::agent) fn status(&self, ours: &Summary, now: Instant) -> Vec<DirectorStatus> {
        let others = self.peers.iter().map(std::net::SocketAddr::ip);
        others
            .filter(|peer| !self.is_this_host(*peer))
            .map(|address| {
                let heard = self.heard.get(&address);
                let summary = heard.and_then(|heard| heard.summary.as_ref());
                DirectorStatus {
                    address,
                    name: summary.map(|summary| summary.node.clone()),
                    version: summary.map(|summary| summary.version.clone()),
                    heard_seconds: heard
                        .filter(|heard| heard.summary.is_some())
                        .map(|heard| now.saturating_duration_since(heard.at).as_secs()),
                    silent: heard.and_then(|heard| heard.silent.clone()),
                    differences: summary.map(|other| ours.differences(other)).unwrap_or_default(),
                }
            })
            .collect()
    }

    /// Why the others cannot ask this director.
    pub(in crate::agent) fn deaf(&self) -> Option<String> {
        self.deaf.as_ref().map(|error| {
            format!("the other directors cannot ask this one: {error}; set another `peer_port` under [node] of all")
        })
    }
}

impl Heard {
    fn problems(&self, ours: &Summary) -> Vec<String> {
        let differences = self.summary.iter().filter(|other| other.run != ours.run);
        let differences = differences.flat_map(|other| ours.differences(other));
        self.silent.iter().cloned().chain(differences).collect()
    }
}
