//! A network namespace, and how code and processes get into it.
//!
//! A namespace belongs to a thread, so each entry has a thread of its own; a process started there
//! inherits it. `ip netns exec` would also give it a private `/sys`, in which pinned links die with it.

use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::{fs, panic, process, thread};

use anyhow::{Context, Result};
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::command;

const FOLDER: &str = "/run/netns";

/// A named network namespace. Clones are handles to the same one; none of them removes it.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
    file: Arc<File>,
}

impl Namespace {
    /// Opens the namespace that `ip netns` lists under this name.
    pub fn open(name: &str) -> Result<Self> {
        let path = Path::new(FOLDER).join(name);
        let file = File::open(&path)
            .with_context(|| format!("there is no network namespace {}", path.display()))?;
        Ok(Self { name: name.to_owned(), file: Arc::new(file) })
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a closure inside, on a thread of its own, and returns what it returns.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let inside = || self.join().map(|()| work());
        thread::scope(|scope| scope.spawn(inside).join())
            .unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    /// Is this one of its addresses?
    pub fn has(&self, address: IpAddr) -> Result<bool> {
        let here = |entry: InterfaceAddress| {
            let of = entry.address?;
            let ipv4 = of.as_sockaddr_in().map(|of| IpAddr::V4(of.ip()));
            ipv4.or_else(|| of.as_sockaddr_in6().map(|of| IpAddr::V6(of.ip())))
        };
        let found = self
            .enter(|| getifaddrs().map(|all| all.filter_map(here).any(|there| there == address)))?;
        found.with_context(|| format!("the addresses of {}", self.name))
    }

    /// Moves the calling thread into the namespace, for good. New threads it starts follow.
    pub fn join(&self) -> Result<()> {
        setns(&*self.file, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("entering the network namespace {}: are you root?", self.name))
    }

    /// Runs a command inside to its end and returns its output.
    pub fn run(&self, command: &mut Command) -> Result<String> {
        self.enter(|| command::run(command))?.with_context(|| format!("in {}", self.name))
    }

    /// Runs a batch of `ip` commands inside.
    pub fn ip_batch(&self, script: &str) -> Result<()> {
        self.enter(|| command::ip_batch(script))?.with_context(|| format!("in {}", self.name))
    }

    /// Starts a process inside, in a process group of its own: Ctrl-C at the terminal is not for it.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        self.enter(|| {
            // A child inherits the mask; ours may block the signals that end it.
            SigSet::empty().thread_set_mask()?;
            command.process_group(0).spawn().map_err(anyhow::Error::from)
        })?
        .with_context(|| format!("starting {:?} in {}", command.get_program(), self.name))
    }

    /// Sets a sysctl given as `net/ipv4/conf/all/arp_ignore`.
    pub fn sysctls(&self, settings: &[(&str, &str)]) -> Result<()> {
        self.enter(|| {
            settings.iter().try_for_each(|(key, value)| {
                fs::write(Path::new("/proc/sys").join(key), value)
                    .with_context(|| format!("setting {key} to {value} in {}", self.name))
            })
        })?
    }

    /// The processes whose network is this namespace, this process excepted.
    pub fn pids(&self) -> Result<Vec<i32>> {
        let here = self.file.metadata()?;
        let own = process::id().cast_signed();
        let inside = |pid: &i32| {
            fs::metadata(format!("/proc/{pid}/ns/net"))
                .is_ok_and(|there| (there.ino(), there.dev()) == (here.ino(), here.dev()))
        };
        let pids = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid != own)
            .filter(inside)
            .collect();
        Ok(pids)
    }

    /// Kills what runs inside and removes the name.
    pub fn delete(self) -> Result<()> {
        for pid in self.pids()? {
            // One that has ended meanwhile is as good.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        command::run(Command::new("ip").args(["netns", "delete", &self.name])).map(drop)
    }
}

/// The names of all namespaces that start with `prefix`.
pub(super) fn names_with(prefix: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(PathBuf::from(FOLDER)) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect()
}
