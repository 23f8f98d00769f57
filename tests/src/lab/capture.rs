//! A packet capture that has begun when it is returned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::namespace::Namespace;
use super::process::Process;

const LIMIT: Duration = Duration::from_secs(10);

/// tcpdump at work; dropping it ends it, the file stays until the lab goes.
#[derive(Debug)]
pub struct Capture {
    process: Process,
    file: PathBuf,
}

impl Capture {
    pub(super) fn start(
        namespace: &Namespace,
        interface: &str,
        filter: &str,
        file: &Path,
    ) -> Result<Self> {
        let log = file.with_extension("log");
        File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let mut tcpdump = Command::new("tcpdump");
        tcpdump
            .args(["--immediate-mode", "-n", "-U", "-Z", "root", "-i", interface, "-w"])
            .arg(file)
            .arg(filter);
        let mut process = Process::spawn(namespace, &mut tcpdump, &log)?;
        let begun = || fs::read_to_string(&log).is_ok_and(|text| text.contains("listening on"));
        process.wait_ready(LIMIT, begun)?;
        Ok(Self { process, file: file.to_owned() })
    }

    /// Ends the capture and returns its file. Packets of the last moment may be missing.
    pub fn finish(mut self) -> Result<PathBuf> {
        self.process.terminate(LIMIT)?;
        Ok(self.file.clone())
    }
}
