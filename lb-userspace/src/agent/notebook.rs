//! What health has come to, written down for the next agent: the maps tell who gets packets, which is not the same
//! where failed real servers keep their flows, or are used for want of others.
//!
//! It is worth nothing without the pinned maps beside it, which end with the host: nothing is forced to the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::files::{self, FileError};
use crate::{
    health::{Advice, Damper},
    model::Name,
};

/// From one time of writing to the next: of a thousand changes at once, the first and the last are written.
const PAUSE: Duration = Duration::from_millis(100);

/// What is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Findings {
    /// Real servers that are down, by pool and address.
    pub(super) down: BTreeSet<(Name, IpAddr)>,
    /// Pools that are decided, and whether they have their quorum.
    pub(super) quorums: BTreeMap<Name, bool>,
    /// What real servers have said of themselves, where that is not all as configured.
    pub(super) advice: BTreeMap<Name, BTreeMap<IpAddr, Advice>>,
    /// Real servers that have come and gone lately. Times count from when the host was started.
    pub(super) dampers: BTreeMap<Name, BTreeMap<IpAddr, Damper>>,
}

impl Findings {
    /// What a real server has said of itself.
    pub(super) fn advice(&self, (pool, address): &(Name, IpAddr)) -> Advice {
        let pool = self.advice.get(pool);
        pool.and_then(|pool| pool.get(address)).copied().unwrap_or_default()
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Notebook {
    file: PathBuf,
    written: Findings,
    /// When that was looked at last.
    looked: Option<Instant>,
    due: Option<Instant>,
}

impl Notebook {
    /// What an earlier agent has left; without pinned maps, nothing that still holds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn load(state_folder: &Path, adopted: bool) -> Result<Self, FileError> {
        let file = state_folder.join("health.json");
        let written = if adopted { files::read(&file)? } else { Findings::default() };
        Ok(Self { file, written, looked: None, due: None })
    }

    /// What is written there.
    pub(super) const fn written(&self) -> &Findings {
        &self.written
    }

    /// Something may have changed.
    pub(super) fn stir(&mut self, now: Instant) {
        let next = self.looked.map_or(now, |looked| now.max(looked + PAUSE));
        self.due.get_or_insert(next);
    }

    /// When [`Self::write`] is due.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Writes down what has changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&mut self, now: Instant, findings: Findings) -> Result<(), FileError> {
        (self.looked, self.due) = (Some(now), None);
        if findings != self.written {
            files::write_lightly(&self.file, &findings)?;
            self.written = findings;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{health::Share, model::Damping};

    #[test]
    fn what_is_written_is_there_for_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut notebook = Notebook::load(folder.path(), true).unwrap();
        assert_eq!(notebook.written(), &Findings::default());
        let now = Instant::now();
        notebook.stir(now);
        notebook.stir(now + PAUSE / 2);
        assert_eq!(notebook.due(), Some(now), "the first change counts");
        let web: Name = "web".parse().unwrap();
        let half = Advice { share: Share::rounded(50), ..Advice::NONE };
        let mut damper = Damper::default();
        let rules = Damping { changes: 1, within: PAUSE, hold: PAUSE };
        assert!(!damper.note(PAUSE, &rules) && damper.note(PAUSE, &rules));
        let findings = Findings {
            down: [(web.clone(), "10.0.0.1".parse().unwrap())].into(),
            quorums: [(web.clone(), false)].into(),
            advice: [(web.clone(), [("10.0.0.2".parse().unwrap(), half)].into())].into(),
            dampers: [(web.clone(), [("10.0.0.2".parse().unwrap(), damper)].into())].into(),
        };
        assert_eq!(findings.advice(&(web.clone(), "10.0.0.2".parse().unwrap())), half);
        assert_eq!(findings.advice(&(web, "10.0.0.1".parse().unwrap())), Advice::NONE);
        notebook.write(now, findings.clone()).unwrap();
        assert_eq!(notebook.due(), None);
        notebook.stir(now + PAUSE / 2);
        assert_eq!(notebook.due(), Some(now + PAUSE));
        assert_eq!(Notebook::load(folder.path(), true).unwrap().written(), &findings);
        let fresh = Notebook::load(folder.path(), false).unwrap();
        assert_eq!(fresh.written(), &Findings::default(), "its maps are gone");
    }
}
