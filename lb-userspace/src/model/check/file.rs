//! What a check by a file on the director looks at.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Expectation, Names};

/// A check by a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCheck {
    /// The file, on the director; with names in place of what differs from server to server.
    pub file: PathBuf,
    /// What must be in it; `None`: it must be there.
    pub expect: Option<Expectation>,
    /// It holds the weight of the real server.
    pub dynamic: bool,
}

impl FileCheck {
    /// The check of one real server.
    #[must_use]
    pub fn of_server(&self, names: &Names) -> Self {
        Self { file: names.put(&self.file.to_string_lossy()).into(), ..self.clone() }
    }
}
