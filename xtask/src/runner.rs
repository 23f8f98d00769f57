//! What cargo starts test and bench binaries through for a normal user: those of the package that needs
//! root go through sudo, all others run as the user.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cmd::{Cmd, is_root, search_path};
use crate::workspace;

/// The package whose binaries make namespaces and load BPF programs.
const NEEDS_ROOT: &str = "lb-tests";

/// A binary and its arguments, as cargo hands them over.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    let sudo = env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == NEEDS_ROOT) && !is_root();
    let (program, rest) = words(sudo, &args.command).context("cargo named no binary to run")?;
    // Only a failure comes back from exec.
    let error = Command::new(&program).args(rest).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

/// Adds what makes cargo start binaries through this program; nothing is needed for root.
pub(crate) fn through(cargo: Cmd) -> Result<Cmd> {
    if is_root() {
        return Ok(cargo);
    }
    let xtask = env::current_exe().context("cannot find out where xtask itself lies")?;
    let runner = format!("target.'cfg(all())'.runner=['{}', 'runner']", xtask.display());
    Ok(cargo.arg("--config").arg(runner).dir(workspace::root()))
}

fn words(sudo: bool, command: &[OsString]) -> Option<(OsString, Vec<OsString>)> {
    // -E keeps the environment except PATH, which sudo replaces by its own. Tests call system tools by name.
    let mut path = OsString::from("PATH=");
    path.push(env::join_paths(search_path()).unwrap_or_default());
    let prefix = ["sudo".into(), "-E".into(), "env".into(), path];
    let mut words = prefix.into_iter().filter(|_| sudo).chain(command.iter().cloned());
    Some((words.next()?, words.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_stands_in_front_only_where_it_is_needed() {
        let command: Vec<OsString> = ["binary", "--flag"].map(OsString::from).into();
        let (program, rest) = words(false, &command).unwrap();
        assert_eq!((program, rest), ("binary".into(), vec!["--flag".into()]));
        let (program, rest) = words(true, &command).unwrap();
        assert_eq!(program, "sudo");
        assert_eq!(rest.last(), Some(&"--flag".into()));
        assert!(words(false, &[]).is_none());
    }
}
