//! Commands: shown before they run, timed, and named in the error when they fail.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, os::unix::process::ExitStatusExt};

use anyhow::{Context, Result, bail};

/// A command to be run; `Display` is what a person would type.
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    root: bool,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Self { program, args: Vec::new(), env: Vec::new(), dir: None, root: false }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.into(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Runs with root's rights: as it is for root, through sudo for everybody else.
    pub(crate) fn needs_root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Shows the command and runs it with this program's own input and output.
    pub(crate) fn run(&self) -> Result<()> {
        eprintln!("  $ {self}");
        let status = self.command()?.status().with_context(|| self.cannot_start())?;
        match (status.success(), status.code(), status.signal()) {
            (true, ..) => Ok(()),
            (_, Some(code), _) => bail!("`{self}` ended with exit code {code}"),
            (_, None, signal) => bail!("`{self}` was ended by signal {}", signal.unwrap_or(0)),
        }
    }

    /// Runs the command unseen and returns what it wrote; what it wrote to stderr is in the error.
    pub(crate) fn read(&self) -> Result<String> {
        let output =
            self.command()?.stdin(Stdio::null()).output().with_context(|| self.cannot_start())?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` failed ({}):\n{}", output.status, stderr.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Shows the command, runs it unseen, and shows its output only when it fails.
    pub(crate) fn run_quietly(&self) -> Result<()> {
        eprintln!("  $ {self}");
        self.read().map(drop)
    }

    fn command(&self) -> Result<Command> {
        let mut command = if self.root && !is_root() {
            if find_program("sudo").is_none() {
                bail!("this needs root, and there is no sudo here. Run as root: {self}");
            }
            let mut sudo = Command::new("sudo");
            // sudo drops the environment, so what the command needs is set again behind it.
            sudo.arg("--").arg("env");
            sudo.args(self.env.iter().map(|(key, value)| assignment(key, value)));
            sudo.arg(&self.program);
            sudo
        } else {
            let mut command = Command::new(&self.program);
            command.envs(self.env.iter().map(|(key, value)| (key, value)));
            command
        };
        command.args(&self.args);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        Ok(command)
    }

    fn cannot_start(&self) -> String {
        format!("cannot start `{}` (whole command: `{self}`)", self.program.display())
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.root && !is_root() {
            f.write_str("sudo ")?;
        }
        for (key, value) in &self.env {
            write!(f, "{}={} ", key.display(), quoted(value))?;
        }
        // A program given by its whole path is shown by its name: the path says nothing to the reader.
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        f.write_str(&quoted(name))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn assignment(key: &OsStr, value: &OsStr) -> OsString {
    let mut assignment = key.to_owned();
    assignment.push("=");
    assignment.push(value);
    assignment
}

/// A word as a shell would need it; long scripts are cut for the eye.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%*{}[]~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\x1f', " "))
}

/// Whether this process has root's rights.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Looks for a program in `PATH`, then where Debian keeps tools that a normal user's `PATH` leaves out.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    search_path().map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// `PATH`, and after it the folders for system tools.
pub(crate) fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own: Vec<PathBuf> = env::split_paths(&path).collect();
    own.into_iter().chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
}

/// Says what is done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("{what}");
    let start = Instant::now();
    let result = work();
    let word = if result.is_ok() { "done in" } else { "failed after" };
    eprintln!("  {word} {}", seconds(start.elapsed()));
    result
}

/// A duration for the eye: `0.4 s`, `71 s`, `12 min 3 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        whole @ 10..120 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let cmd = Cmd::new("/usr/bin/cargo").args(["test", "two words"]).env("A", "b c");
        assert_eq!(cmd.to_string(), "A='b c' cargo test 'two words'");
    }

    #[test]
    fn a_failure_carries_the_command_and_its_stderr() {
        let error = Cmd::new("sh").args(["-c", "echo broken >&2; exit 3"]).read().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("broken") && text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Cmd::new("no-such-program").read().unwrap_err();
        assert!(error.to_string().contains("cannot start `no-such-program`"));
        assert_eq!(find_program("no-such-program"), None);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(71)), "71 s");
        assert_eq!(seconds(Duration::from_secs(723)), "12 min 3 s");
    }
}
