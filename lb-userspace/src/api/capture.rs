//! `POST /v1/capture`: which packets to copy, and how the answer begins.

use std::collections::BTreeMap;

use ipnet::IpNet;
use lb_common::abi::Seen;
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// Which packets to copy. All of it must fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCapture {
    /// Of this virtual service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// For this real server of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<Name>,
    /// From this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<IpNet>,
    /// Dropped ones alone.
    #[serde(default)]
    pub drops: bool,
    /// Bytes of each that are kept.
    #[serde(default)]
    pub snap: Snap,
}

/// Bytes that are kept of a packet: 14 (the Ethernet header) to 2,048.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Snap(u32);

/// Too few bytes, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes of a packet cannot be kept: {least} to {most}", least = Snap::LEAST, most = Seen::MOST)]
pub struct SnapError(u32);

impl Snap {
    const LEAST: u32 = 14;

    /// How many.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

impl Default for Snap {
    fn default() -> Self {
        Self(Seen::MOST)
    }
}

impl TryFrom<u32> for Snap {
    type Error = SnapError;

    fn try_from(bytes: u32) -> Result<Self, SnapError> {
        if (Self::LEAST..=Seen::MOST).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(SnapError(bytes))
        }
    }
}

impl From<Snap> for u32 {
    fn from(snap: Snap) -> Self {
        snap.0
    }
}

/// How the answer begins; frames follow ([`crate::capture::Frames`]) until either side ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureStart {
    /// Nanoseconds since 1970 at which the clock of the records stood at zero.
    pub zero_nanoseconds: u64,
    /// Names of the interfaces, by index.
    pub interfaces: BTreeMap<u32, String>,
}
