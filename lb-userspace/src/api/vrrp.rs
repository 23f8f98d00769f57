//! VRRP instances, as `lb vrrp` shows them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VrrpStatus {
    /// Its name.
    pub name: Name,
    /// The instances it moves with, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    /// Its interface.
    pub interface: String,
    /// The virtual router's own MAC address, where it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_mac: Option<VirtualMacStatus>,
    /// 2 or 3.
    pub version: u8,
    /// The number of the virtual router.
    pub virtual_router_id: u8,
    /// `master`, `backup`, `fault` or `initialize`.
    pub state: String,
    /// For how long it has been in that state, in seconds.
    pub since_seconds: f64,
    /// What it advertises, or would.
    pub priority: u8,
    /// What the file says, without the shares of trackers.
    pub configured_priority: u8,
    /// What the priority depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trackers: Vec<TrackerStatus>,
    /// What keeps it from serving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Its VIPs.
    pub addresses: Vec<IpNet>,
    /// The VIPs are on the interface.
    pub held: bool,
    /// How long it may be believed to be master; not there where the XDP program does not see its VIPs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseStatus>,
    /// What could not be done with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The last other master that was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_master: Option<HeardMaster>,
    /// Advertisements sent.
    pub sent: u64,
    /// Advertisements that could not be sent.
    pub not_sent: u64,
    /// Advertisements heard and taken.
    pub heard: u64,
    /// Packets that were dropped: with its number, or with none that is known on its interface.
    pub rejected: Vec<RejectStatus>,
    /// What happened, the latest last.
    pub transitions: Vec<TransitionStatus>,
    /// Transitions that nobody was told of: too many at a time.
    #[serde(default)]
    pub untold: u64,
    /// What became of what was to be told about it.
    #[serde(default)]
    pub notifications: Notifications,
    /// The same for its group.
    #[serde(default, skip_serializing_if = "Notifications::is_none")]
    pub group_notifications: Notifications,
}

/// The virtual router's own MAC address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualMacStatus {
    /// `00:00:5e:00:01:33`
    pub mac: String,
    /// The interface that has it, and the VIPs.
    pub interface: String,
}

/// What became of notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// Scripts.
    pub scripts: Deliveries,
    /// Lines for a FIFO.
    pub fifo: Deliveries,
    /// Mail.
    pub mail: Deliveries,
    /// Posts to a program elsewhere.
    #[serde(default)]
    pub webhook: Deliveries,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_problem: Option<String>,
}

/// What became of those of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Scripts that ended well, lines that were written, letters that the mail server has taken.
    pub sent: u64,
    /// Scripts that failed, lines that could not be written, tries of letters that did not succeed.
    pub failed: u64,
    /// What nobody will hear of: the queue, or the FIFO, was full, or a letter too old.
    pub dropped: u64,
}

impl Notifications {
    /// Was there nothing to tell?
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds those about somebody else.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.scripts, other.scripts),
            (&mut self.fifo, other.fifo),
            (&mut self.mail, other.mail),
            (&mut self.webhook, other.webhook),
        ] {
            ours.sent += theirs.sent;
            ours.failed += theirs.failed;
            ours.dropped += theirs.dropped;
        }
        self.last_problem = other.last_problem.clone().or(self.last_problem.take());
    }

    /// Those that failed, and those that were dropped.
    #[must_use]
    pub fn problems(&self) -> (u64, u64) {
        let kinds = [self.scripts, self.fifo, self.mail, self.webhook];
        (kinds.iter().map(|kind| kind.failed).sum(), kinds.iter().map(|kind| kind.dropped).sum())
    }
}

/// What keeps a silent director from answering for VIPs that another one has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseStatus {
    /// How long its last advertisement still counts, in seconds; not there unless it holds the VIPs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
    /// How long ago another host has claimed one of the VIPs, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_seconds_ago: Option<f64>,
    /// This host does not answer for the VIPs, although it has them.
    pub fenced: bool,
}

/// A tracker of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerStatus {
    /// Its name.
    pub name: Name,
    /// What it counts for.
    pub weight: i16,
    /// `up`, `down`, `unknown`, or the number of a file.
    pub state: String,
    /// What it adds to the priority at the moment.
    pub share: i16,
    /// It keeps the instance in fault.
    pub forbids: bool,
    /// Why it is in this state.
    pub reason: String,
    /// The last line of a script's last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Another master, as it was heard last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeardMaster {
    /// Its address.
    pub address: IpAddr,
    /// What it advertised; 0: that it leaves.
    pub priority: u8,
    /// How long ago, in seconds.
    pub seconds_ago: f64,
    /// It advertises other VIPs than we would.
    pub other_addresses: bool,
}

/// Packets that were dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectStatus {
    /// The reason's name.
    pub reason: String,
    /// The same in words.
    pub words: String,
    /// How many.
    pub packets: u64,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitionStatus {
    /// How long ago, in seconds.
    pub seconds_ago: f64,
    /// Out of this state.
    pub from: String,
    /// Into this one.
    pub to: String,
    /// Why, in words.
    pub reason: String,
}
