//! Running the system's tools, with errors that say which command failed and what it said.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a command to its end and returns what it wrote to stdout.
pub(super) fn run(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null());
    finish(command, None)
}

/// Runs a command with this text as its input.
pub(super) fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped());
    finish(command, Some(input))
}

/// Runs a batch of `ip` commands, one a line, in one process.
pub(super) fn ip_batch(script: &str) -> Result<()> {
    run_with_input(Command::new("ip").args(["-batch", "-"]), script)
        .map(drop)
        .with_context(|| format!("these `ip` commands:\n{script}"))
}

fn finish(command: &mut Command, input: Option<&str>) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{name}`: `cargo xtask setup` installs it"))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(input.as_bytes()).with_context(|| format!("writing to `{name}`"))?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
