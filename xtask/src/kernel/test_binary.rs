//! The binary of the packet tests, built but not run.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cmd::Cmd;
use crate::workspace;

/// Builds it and returns where cargo has put it.
pub(super) fn build() -> Result<PathBuf> {
    let messages = Cmd::new(workspace::cargo())
        .args(["test", "--no-run", "--quiet", "--package", "lb-tests", "--test", "packet"])
        .arg("--message-format=json-render-diagnostics")
        .dir(workspace::root())
        .read()?;
    executable(&messages).context("cargo built the packet tests, but names no binary of them")
}

/// Cargo writes one JSON object a line; that of the binary we asked for names an executable.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "packet")
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
        assert_eq!(executable(messages), Some(PathBuf::from("/t/packet-1")));
        assert_eq!(executable("not JSON"), None);
    }
}
