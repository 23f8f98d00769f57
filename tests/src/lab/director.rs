//! `lb run` in a director of the lab.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Lab;
use super::bpffs::{self, PIN_ROOT};
use super::children::{await_end, child_called, children};
use super::namespace::Namespace;
use super::process::Process;
use super::secret::write_secret;
use super::status::Status;

/// Emulated machines take most of it to check the program.
const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The files and folders of one director.
#[derive(Clone, Debug)]
pub struct DirectorPaths {
    /// The director's name.
    pub name: String,
    /// Its configuration.
    pub config: PathBuf,
    /// Its control socket.
    pub socket: PathBuf,
    /// Its folder of pins.
    pub pins: PathBuf,
    /// Its folder of operator's state.
    pub state: PathBuf,
    /// What it wrote to stdout and stderr.
    pub log: PathBuf,
}

impl DirectorPaths {
    /// Those of the director `name` in a lab.
    pub fn new(lab: &Lab, name: &str) -> Self {
        let folder = lab.folder().join(name);
        Self {
            name: name.to_owned(),
            config: folder.join("lb.toml"),
            socket: folder.join("lb.sock"),
            pins: Path::new(PIN_ROOT).join(format!("{}-{name}", lab.name())),
            state: folder.join("state"),
            log: folder.join("lb.log"),
        }
    }
}

/// A director: the agent as a process, and its command line. Dropping it kills the agent and removes
/// its pins.
#[derive(Debug)]
pub struct Director {
    /// Its files and folders.
    pub paths: DirectorPaths,
    binary: PathBuf,
    namespace: Namespace,
    trusted: Option<PathBuf>,
    process: Option<Process>,
}

impl Director {
    /// Prepares the director `name`; nothing runs yet.
    pub fn new(lab: &Lab, name: &str) -> Result<Self> {
        bpffs::mount()?;
        let paths = DirectorPaths::new(lab, name);
        fs::create_dir_all(&paths.state)
            .with_context(|| format!("creating {}", paths.state.display()))?;
        let namespace = lab.namespace(name).clone();
        Ok(Self { paths, binary: lb_binary()?, namespace, trusted: None, process: None })
    }

    /// Uses this binary instead of the one [`lb_binary`] finds.
    #[must_use]
    pub fn with_binary(mut self, binary: &Path) -> Self {
        binary.clone_into(&mut self.binary);
        self
    }

    /// Writes the configuration; a running agent reads it on `lb reload`.
    pub fn write_config(&self, text: &str) -> Result<()> {
        write_secret(&self.paths.config, text)
    }

    /// From its next start on it trusts these certificate authorities, and no others.
    pub fn trust(&mut self, certificates: &Path) {
        self.trusted = Some(certificates.to_owned());
    }

    /// Starts the agent and waits until its control socket answers.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(&[])
    }

    /// Starts the agent with more arguments, such as `--keep`, and waits until its control socket answers.
    pub fn start_with(&mut self, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.binary);
        command.arg("run").arg("--config").arg(&self.paths.config).args(args);
        if let Some(certificates) = &self.trusted {
            command.env("SSL_CERT_FILE", certificates);
        }
        let mut process = Process::spawn(&self.namespace, &mut command, &self.paths.log)?;
        let answers = || UnixStream::connect(&self.paths.socket).is_ok() && self.status().is_ok();
        let ready = process.wait_ready(READY_LIMIT, answers);
        self.process = Some(process);
        ready.with_context(|| format!("`lb run` in {}", self.paths.name))
    }

    /// Waits until the agent's status satisfies `condition`, and returns it.
    pub fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        condition: impl Fn(&Status) -> bool,
    ) -> Result<Status> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.status()?;
            if condition(&status) {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{}: {what}: not so after {limit:?}: {status:#?}", self.paths.name);
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Runs `lb ARGS --socket …` in the director and returns what it printed.
    pub fn lb(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--socket").arg(&self.paths.socket);
        self.namespace.run(&mut command)
    }

    /// `lb status --json`.
    pub fn status(&self) -> Result<Status> {
        let text = self.lb(&["status", "--json"])?;
        serde_json::from_str(&text).with_context(|| format!("`lb status --json` printed {text}"))
    }

    /// True while `lb run` does.
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// The number of `lb run`'s main process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// The agent.
    pub fn agent(&self) -> Result<Pid> {
        child_called(self.running()?.id(), "agent")
    }

    /// The process that makes the checks.
    pub fn probe(&self) -> Result<Pid> {
        child_called(self.running()?.id(), "probe")
    }

    /// The process that serves clients of the proxy.
    pub fn worker(&self) -> Result<Pid> {
        child_called(self.running()?.id(), "worker")
    }

    /// SIGKILL: all of `lb run` crashes, forwarding stays.
    pub fn kill9(&mut self) -> Result<()> {
        let mut process = self.process.take().context("`lb run` does not run")?;
        let beneath = children(process.id())?;
        process.kill9()?;
        await_end(&beneath)
    }

    /// SIGTERM: the agent ends by itself and cleans up.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.process.take().context("`lb run` does not run")?.terminate(STOP_LIMIT)
    }

    /// Sends a signal: to the agent what stops it or lets it go on, everything else to `lb run`, as an operator does.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        match signal {
            Signal::SIGSTOP | Signal::SIGCONT => {
                kill(self.agent()?, signal).context("signalling the agent")
            }
            _ => self.running()?.signal(signal),
        }
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("`lb run` does not run")
    }

    /// The program it runs.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Everything the agent wrote, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.paths.log).unwrap_or_default()
    }

    /// The namespace it runs in.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(process) = &self.process
        {
            eprintln!("the log of {} ends:\n{}", self.paths.name, process.log_tail());
        }
        if self.runs() {
            // Whatever became of it.
            let _ = self.kill9();
        }
        // Not there when the agent cleaned up after itself.
        let _ = fs::remove_dir_all(&self.paths.pins);
    }
}

/// The program under test: `LB_BIN`, or the newest `lb` in the target folder.
pub fn lb_binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("LB_BIN") {
        return Ok(path.into());
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let target = workspace.join(target);
    ["debug", "release"]
        .map(|profile| target.join(profile).join("lb"))
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .with_context(|| {
            format!("there is no `lb` in {}: `cargo xtask build` makes it", target.display())
        })
}
