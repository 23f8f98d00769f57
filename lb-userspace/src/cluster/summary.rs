//! What a director has, short enough to be compared: a digest of each pool and service of its file, and the
//! operator's word as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    model::{Backups, Config, Name, Pool},
    plan::Operator,
};

/// Bytes of a digest that are kept: enough to see a difference, which nobody tries to hide.
const KEPT: usize = 8;

/// What a director has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub node: Name,
    /// Drawn at random when its agent started: a director knows itself by it.
    pub run: u64,
    /// Version of its agent.
    pub version: String,
    /// Digests of what its file says, by what it is of: `pool web`, `service site`.
    pub file: BTreeMap<String, String>,
    /// What an operator has said of real servers at run time, by `POOL/NAME`.
    pub operator: BTreeMap<String, String>,
}

impl Summary {
    /// The summary of this director.
    #[must_use]
    pub fn of(run: u64, version: &str, config: &Config, operator: &Operator) -> Self {
        let pools =
            config.pools.iter().map(|pool| (format!("pool {}", pool.name), pool_digest(pool)));
        let services = config
            .services
            .iter()
            .map(|service| (format!("service {}", service.name), digest(service)));
        Self {
            node: config.node.name.clone(),
            run,
            version: version.to_owned(),
            file: pools.chain(services).collect(),
            operator: words_of(operator),
        }
    }

    /// What another director has otherwise, in words: `it` is the other.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let file =
            both(&self.file, &other.file).filter_map(|(what, ours, theirs)| match (ours, theirs) {
                (Some(_), None) => Some(format!("it has no {what}")),
                (None, Some(_)) => Some(format!("it has a {what}, which this one has not")),
                (Some(ours), Some(theirs)) if ours != theirs => {
                    Some(format!("its {what} is another"))
                }
                _ => None,
            });
        let operator = both(&self.operator, &other.operator)
            .filter(|(_, ours, theirs)| ours != theirs)
            .map(|(server, ours, theirs)| {
                let [ours, theirs] = [ours, theirs].map(|word| word.unwrap_or("as in the file"));
                format!("{server} is {theirs} there and {ours} here")
            });
        file.chain(operator).collect()
    }
}

/// Each key of two maps, with what either has.
fn both<'a>(
    ours: &'a BTreeMap<String, String>,
    theirs: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, Option<&'a str>, Option<&'a str>)> {
    let more = theirs.keys().filter(|key| !ours.contains_key(*key));
    ours.keys().chain(more).map(move |key| {
        let of = |map: &'a BTreeMap<String, String>| map.get(key).map(String::as_str);
        (key.as_str(), of(ours), of(theirs))
    })
}

/// The order of real servers in the file decides nothing, but for backups of which the first is used.
fn pool_digest(pool: &Pool) -> String {
    let mut pool = pool.clone();
    let ordered = pool.rules.backups == Backups::First;
    pool.servers.sort_by_key(|server| {
        let name = (!(ordered && server.backup)).then(|| server.name.clone());
        (server.backup, name)
    });
    digest(&pool)
}

fn digest(value: &impl Serialize) -> String {
    // Numbers, texts and lists: they can always be written.
    let text = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(text)[..KEPT].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn words_of(operator: &Operator) -> BTreeMap<String, String> {
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut say = |pool: &Name, server: &Name, word: String| {
        words.entry(format!("{pool}/{server}")).or_default().push(word);
    };
    for (pool, changes) in &operator.pools {
        for server in &changes.added {
            let port = server.port.map(|port| format!(" port {port}")).unwrap_or_default();
            let word = format!("added at {}{port} with weight {}", server.address, server.weight);
            say(pool, &server.name, word);
        }
        for server in &changes.removed {
            say(pool, server, "removed".to_owned());
        }
        for (server, state) in &changes.states {
            say(pool, server, state.to_string());
        }
        for (server, weight) in &changes.weights {
            say(pool, server, format!("of weight {weight}"));
        }
    }
    words.into_iter().map(|(server, words)| (server, words.join(", "))).collect()
}

#[cfg(test)]
#[path = "summary_test.rs"]
mod tests;
