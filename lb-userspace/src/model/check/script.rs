//! What a check by a script runs.

use serde::{Deserialize, Serialize};

use super::Names;
use crate::model::Script;

/// A check by a script on the director.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptCheck {
    /// What is run; its arguments have names in place of what differs from server to server.
    pub script: Script,
    /// Who runs it.
    pub user: String,
    /// Its exit code says the weight of the real server.
    pub dynamic: bool,
}

impl ScriptCheck {
    /// The check of one real server.
    #[must_use]
    pub fn of_server(&self, names: &Names) -> Self {
        let put = |argument: &String| names.put(argument);
        let arguments = self.script.arguments.iter().map(put).collect();
        let program = self.script.program.clone();
        Self { script: Script { program, arguments }, ..self.clone() }
    }
}
