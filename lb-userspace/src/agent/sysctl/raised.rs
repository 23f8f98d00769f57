//! Settings that this program has raised, and what they were before.
//!
//! The former values are written down before anything is changed, so that an agent that follows one that was killed
//! can put them back. Only what still has the value that was given to it is put back: anything else is somebody
//! else's word.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::{Setting, read, write};
use crate::agent::files::{self, FileError};

/// What has been raised.
#[derive(Debug)]
pub(in crate::agent) struct Raised {
    file: PathBuf,
    settings: Vec<Change>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    setting: Setting,
    before: u32,
    given: u32,
}

impl Raised {
    /// Those of an earlier run that were not put back.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub(in crate::agent) fn load(state_folder: &Path) -> Result<Self, FileError> {
        let file = state_folder.join("sysctls.json");
        Ok(Self { settings: files::read(&file)?, file })
    }

    /// Sees to it that each of these settings has at least its value, and puts back the others. Returns what could not
    /// be done.
    pub(in crate::agent) fn set(&mut self, wanted: &BTreeMap<Setting, u32>) -> Vec<String> {
        self.put_back(|change| wanted.get(&change.setting) != Some(&change.given));
        let mut problems = Vec::new();
        for (setting, &given) in wanted {
            if let Err(problem) = self.raise(setting, given) {
                warn!(problem, "a setting of the kernel");
                problems.push(problem);
            }
        }
        problems
    }

    /// Puts all of them back.
    pub(in crate::agent) fn put_all_back(&mut self) {
        self.put_back(|_| true);
    }

    fn raise(&mut self, setting: &Setting, given: u32) -> Result<(), String> {
        let before = read(setting).map_err(|error| error.to_string())?;
        if before >= given {
            return Ok(());
        }
        // Somebody has lowered it meanwhile: what it was at first counts.
        if !self.settings.iter().any(|change| change.setting == *setting) {
            self.settings.push(Change { setting: setting.clone(), before, given });
            self.save().map_err(|error| format!("{setting} stays {before}: {error}"))?;
        }
        write(setting, given).map_err(|error| error.to_string())?;
        info!(%setting, before, given, "setting raised");
        Ok(())
    }

    fn put_back(&mut self, which: impl Fn(&Change) -> bool) {
        let (back, kept): (Vec<_>, Vec<_>) = self.settings.drain(..).partition(which);
        self.settings = kept;
        if back.is_empty() {
            return;
        }
        for Change { setting, before, given } in back {
            // Its interface may be gone, and the setting with it.
            if read(&setting).is_ok_and(|now| now == given) {
                match write(&setting, before) {
                    Ok(()) => info!(%setting, before, "setting put back"),
                    Err(error) => warn!(%error, before, "the setting was not put back"),
                }
            }
        }
        if let Err(error) = self.save() {
            warn!(%error, "that settings were put back could not be written down");
        }
    }

    fn save(&self) -> Result<(), FileError> {
        files::write(&self.file, &self.settings)
    }
}
