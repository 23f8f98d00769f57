//! keepalived in a director of the lab: VRRP alone.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};

use super::Lab;
use super::children::children;
use super::namespace::Namespace;
use super::process::Process;

/// keepalived with a configuration of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Keepalived {
    namespace: Namespace,
    folder: PathBuf,
    process: Option<Process>,
}

impl Keepalived {
    /// Prepares it in a node; nothing runs yet.
    pub fn new(lab: &Lab, node: &str) -> Result<Self> {
        let folder = lab.folder().join(format!("{node}-keepalived"));
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(Self { namespace: lab.namespace(node).clone(), folder, process: None })
    }

    /// Starts it with this text as its configuration.
    pub fn start(&mut self, config: &str) -> Result<()> {
        let file = |name: &str| self.folder.join(name);
        fs::write(file("keepalived.conf"), config).context("writing its configuration")?;
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp"]);
        let files = [
            ("--use-file", "keepalived.conf"),
            ("--pid", "parent.pid"),
            ("--vrrp_pid", "vrrp.pid"),
        ];
        for (option, name) in files {
            // What a killed one has left behind would keep the next one from starting.
            if option != "--use-file" && file(name).exists() {
                fs::remove_file(file(name))?;
            }
            command.arg(option).arg(file(name));
        }
        let log = file("keepalived.log");
        self.process = Some(Process::spawn(&self.namespace, &mut command, &log)?);
        Ok(())
    }

    /// SIGTERM: it gives up its VIPs and says so.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.process.take().context("keepalived does not run")?.terminate(limit)
    }

    /// Sends a signal to all of it.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().context("keepalived does not run")?;
        let children = children(process.id())?;
        process.signal(signal)?;
        for child in children {
            kill(child, signal).context("signalling keepalived's child")?;
        }
        Ok(())
    }

    /// SIGKILL to all of it: the VIPs stay where they are.
    pub fn kill9(&mut self) -> Result<()> {
        let mut process = self.process.take().context("keepalived does not run")?;
        let children = children(process.id())?;
        // A parent would start a dead child anew, and a child whose parent is gone ends in good order.
        process.signal(Signal::SIGSTOP)?;
        for child in children {
            kill(child, Signal::SIGKILL).context("killing keepalived's child")?;
        }
        process.kill9().map(drop)
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        self.process.as_ref().map(Process::log_tail).unwrap_or_default()
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        if self.process.is_some() {
            // It may have ended by itself.
            let _ = self.kill9();
        }
    }
}
