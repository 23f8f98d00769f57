//! The numbers in use, written down before the maps use them: a new agent finds in the pinned maps what it
//! expects, by name.

use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use crate::plan::Numbering;

/// The numbering with its file.
#[derive(Debug)]
pub(super) struct Ledger {
    file: PathBuf,
    numbering: Numbering,
}

impl Ledger {
    /// The numbers that pinned maps use; without pinned maps, none are in use.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn load(state_folder: &Path, adopted: bool) -> Result<Self, FileError> {
        let file = state_folder.join("numbers.json");
        let numbering = if adopted { files::read(&file)? } else { Numbering::default() };
        Ok(Self { file, numbering })
    }

    /// What is in use.
    #[must_use]
    pub(super) const fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// Puts new numbers into use.
    ///
    /// # Errors
    /// The file cannot be written: the numbers are as before.
    pub(super) fn set(&mut self, numbering: Numbering) -> Result<(), FileError> {
        if numbering != self.numbering {
            files::write(&self.file, &numbering)?;
            self.numbering = numbering;
        }
        Ok(())
    }
}
