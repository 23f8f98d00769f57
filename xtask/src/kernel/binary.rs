//! Binaries that cargo builds and does not run.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cmd::Cmd;
use crate::workspace;

/// Builds these tests.
pub(super) fn tests(name: &str) -> Result<PathBuf> {
    executable(name, &["test", "--no-run", "--package", "lb-tests", "--test", name])
}

/// Runs cargo with these arguments and returns where it has put the binary of the target `name`.
pub(crate) fn executable(name: &str, args: &[&str]) -> Result<PathBuf> {
    let messages = Cmd::new(workspace::cargo())
        .args(args)
        .args(["--quiet", "--message-format=json-render-diagnostics"])
        .dir(workspace::root())
        .read()?;
    named(&messages, name).with_context(|| format!("cargo built {name}, but names no binary of it"))
}

/// Cargo writes one JSON object a line; that of the binary we asked for names an executable.
fn named(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"lb"},"executable":"/t/lb"}
{"reason":"compiler-artifact","target":{"name":"packet"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"packet"},"executable":"/t/packet-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(named(messages, "packet"), Some(PathBuf::from("/t/packet-1")));
        assert_eq!(named("not JSON", "packet"), None);
    }
}
