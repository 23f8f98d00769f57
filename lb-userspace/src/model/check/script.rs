//! What a check by a script runs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Names;

/// A check by a script on the director.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptCheck {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, with names in place of what differs from server to server.
    pub arguments: Vec<String>,
    /// Who runs it.
    pub user: String,
    /// Its exit code says the weight of the real server.
    pub dynamic: bool,
}

impl ScriptCheck {
    /// The check of one real server.
    #[must_use]
    pub fn of_server(&self, names: &Names) -> Self {
        let arguments = self.arguments.iter().map(|argument| names.put(argument)).collect();
        Self { arguments, ..self.clone() }
    }
}
