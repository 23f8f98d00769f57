//! A program that the administrator has run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A program and its arguments. No shell is between, but the one that [`Script::shell`] names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Its absolute path.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
}

impl Script {
    /// A line for `/bin/sh -c`.
    #[must_use]
    pub fn shell(line: String) -> Self {
        Self { program: "/bin/sh".into(), arguments: vec!["-c".to_owned(), line] }
    }

    /// The same with further arguments at the end.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = String>) -> Self {
        let mut script = self.clone();
        script.arguments.extend(more);
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gets_its_line_whole() {
        let shell = Script::shell("exit 1 # x".to_owned());
        assert_eq!(shell.program.to_str(), Some("/bin/sh"));
        assert_eq!(shell.arguments, ["-c", "exit 1 # x"]);
        let shell = shell.with(["one".to_owned(), "two".to_owned()]);
        assert_eq!(shell.arguments, ["-c", "exit 1 # x", "one", "two"]);
    }
}
