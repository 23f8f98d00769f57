//! What a check by a file on the director looks at.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Expectation;

/// A check by a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCheck {
    /// The file, on the director; with [`FileCheck::NAMES`] in place of what differs from server to server.
    pub file: PathBuf,
    /// What must be in it; `None`: it must be there.
    pub expect: Option<Expectation>,
    /// It holds the weight of the real server.
    pub dynamic: bool,
}

impl FileCheck {
    /// What stands for the pool's name, the real server's, its address and the port that is checked.
    pub const NAMES: [&str; 4] = ["{pool}", "{name}", "{address}", "{port}"];

    /// The check of one real server: `values` are what stands in the place of [`FileCheck::NAMES`].
    #[must_use]
    pub fn of_server(&self, values: &[String; 4]) -> Self {
        let names = Self::NAMES.iter().zip(values);
        let path = self.file.to_string_lossy().into_owned();
        let file = names.fold(path, |path, (name, value)| path.replace(name, value)).into();
        Self { file, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own() {
        let check = |file: &str| FileCheck { file: file.into(), expect: None, dynamic: true };
        let values = ["web", "web1", "10.8.8.43", "80"].map(str::to_owned);
        let own = check("/run/{pool}/{name}-{address}:{port}{other}").of_server(&values);
        assert_eq!(own, check("/run/web/web1-10.8.8.43:80{other}"));
    }
}
