//! Guard lists: what is put on them, and what they say.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    model::{GuardAction, Name, parse_network},
    plan::ListOrigin,
};

/// The body of `PUT /v1/guard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPrefixes {
    /// Whose list; without it, that of every service with a guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// What is said of the prefixes.
    pub word: GuardWord,
    /// The prefixes; an address is the prefix of this host alone.
    #[serde(deserialize_with = "networks")]
    pub prefixes: Vec<IpNet>,
}

/// What an operator says of prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardWord {
    /// They come in.
    Allow,
    /// They do not.
    Deny,
    /// Take back what was said of them.
    Remove,
}

/// The answer to `GET /v1/guard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardReport {
    /// Room for prefixes in all lists together.
    pub limit: u32,
    /// The prefixes in force, list by list.
    pub prefixes: Vec<ListedPrefix>,
}

/// One prefix of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPrefix {
    /// Whose list; without it, that of every service with a guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// The prefix.
    pub prefix: IpNet,
    /// What becomes of its clients.
    pub action: GuardAction,
    /// On whose word.
    pub from: ListOrigin,
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| parse_network(text).map_err(D::Error::custom)).collect()
}
