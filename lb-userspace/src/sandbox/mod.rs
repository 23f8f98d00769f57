//! What a process gives up before it hears the first byte of a stranger: its user, its privileges, the files, and all
//! but a few system calls. There is no way back.

mod files;
mod system_calls;

use std::{fmt, io};

use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::{Gid, Uid, setgroups, setresgid, setresuid},
};
use rustix::{
    process::{
        DumpableBehavior, Signal, getppid, set_dumpable_behavior, set_parent_process_death_signal,
    },
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};

use crate::ipc::Identity;

/// Why a process could not be shut in. It must not go on then.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel refused.
    #[error("cannot {task}: {source}")]
    Refused {
        /// What it refused.
        task: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The rules about files could not be made.
    #[error("cannot shut the files off: {0}")]
    Files(#[from] landlock::RulesetError),
    /// The rules about system calls could not be made.
    #[error("cannot shut system calls off: {0}")]
    SystemCalls(#[from] seccompiler::Error),
    /// The same, of a single rule.
    #[error("cannot shut system calls off: {0}")]
    Rule(#[from] seccompiler::BackendError),
}

/// How a process is shut in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// Whether the kernel knows how to shut files off (landlock); with its own user it can read only what everybody
    /// can, at any rate.
    pub files: bool,
}

impl fmt::Display for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.files {
            true => write!(f, "no privileges, no files, few system calls"),
            false => write!(f, "no privileges, few system calls; this kernel has no landlock"),
        }
    }
}

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It speaks TCP and UDP to servers.
    Probe,
    /// It accepts TCP from clients, and speaks it to servers.
    Worker,
}

/// Gives up all but system calls: this user, without privileges and files.
///
/// Call it with a single thread: what is given up is given up by this thread and those that it starts.
///
/// # Errors
/// Something could not be given up.
pub fn give_up(identity: Identity) -> Result<Enclosure, SandboxError> {
    let parent = getppid();
    limit_resources()?;
    become_user(identity)?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none).map_err(refused("give up the capabilities"))?;
    set_no_new_privs(true).map_err(refused("give up new privileges"))?;
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    dumpable.map_err(refused("shut tracers out"))?;
    // Last of these: a change of the user takes it back.
    end_with_parent(parent)?;
    Ok(Enclosure { files: files::shut()? })
}

/// Gives up the system calls that it does not need, starting threads and programs among them. It holds for every thread
/// that there is.
///
/// # Errors
/// The kernel refused.
pub fn shut_in(role: Role) -> Result<(), SandboxError> {
    system_calls::shut(role)
}

/// Ends this process when the one that started it ends.
///
/// # Errors
/// The kernel's; or that one is gone already.
pub fn end_with_supervisor() -> Result<(), SandboxError> {
    end_with_parent(getppid())
}

fn end_with_parent(parent: Option<rustix::process::Pid>) -> Result<(), SandboxError> {
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    asked.map_err(refused("ask for the end of the supervisor"))?;
    if getppid() == parent {
        return Ok(());
    }
    let source = io::Error::other("the supervisor is gone");
    Err(SandboxError::Refused { task: "live on", source })
}

/// Whoever has no privileges can leave a picture of its memory in no file, and gets as many sockets as the
/// administrator lets it have.
fn limit_resources() -> Result<(), SandboxError> {
    let cores = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    cores.map_err(refused("forgo core files"))?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(refused("ask for limits"))?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(refused("raise the limit of files"))
}

/// Without the privilege to become somebody else, it is nobody special already.
fn become_user(Identity { uid, gid }: Identity) -> Result<(), SandboxError> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    setgroups(&[]).map_err(refused("leave all groups"))?;
    setresgid(gid, gid, gid).map_err(refused("change the group"))?;
    setresuid(uid, uid, uid).map_err(refused("change the user"))
}

fn refused<E: Into<io::Error>>(task: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |error| SandboxError::Refused { task, source: error.into() }
}

#[cfg(test)]
#[path = "sandbox_test.rs"]
mod tests;
