//! Which scripts may be run: those that nobody but root and the user who runs them can change or swap for another.
//!
//! The agent is root. Whoever can write to a script, or to a folder above it, or owns a link on the way, decides what
//! is run. What the script names in its turn (an interpreter, other programs) is its own business.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use nix::unistd::{self, getegid, geteuid};

use crate::model::Script;

/// Links on the way to a file, at most; the kernel follows as many.
const LINKS: u8 = 40;

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;

/// Who runs a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

/// May this script be run by this user, `None` being the agent's own? Then who that is.
///
/// It looks at files and asks for users: it may block.
///
/// # Errors
/// [`Unsafe`]: the first thing that forbids it.
pub fn judge(script: &Script, user: Option<&str>) -> Result<User, Unsafe> {
    let user = user.map_or_else(|| Ok(User::own()), User::named)?;
    user.check(&script.program)?;
    Ok(user)
}

/// Why a script is not run.
#[derive(Debug, thiserror::Error)]
pub enum Unsafe {
    /// Nobody of that name.
    #[error("there is no user `{0}` on this host")]
    NoUser(String),
    /// It would depend on the folder that the agent is in.
    #[error("{} is not an absolute path", .0.display())]
    Relative(PathBuf),
    /// It is not there, or cannot be looked at.
    #[error("{}: {}", .0.display(), plain(.1))]
    Missing(PathBuf, io::Error),
    /// A folder, or a device.
    #[error("{} is no file (mode {:04o})", .0.display(), .1 & 0o7777)]
    NoFile(PathBuf, u32),
    /// Not by that user.
    #[error("{} is not executable by {user} (mode {:04o})", .path.display(), .mode & 0o7777)]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Who should run it.
        user: String,
    },
    /// That user cannot get to it.
    #[error("{user} may not enter the folder {} (mode {:04o})", .path.display(), .mode & 0o7777)]
    Closed {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Who should run what is in it.
        user: String,
    },
    /// Somebody else may change it.
    #[error("{} is writable by {whose} (mode {:04o})", .path.display(), .mode & 0o7777)]
    Writable {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// By whom.
        whose: &'static str,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {uid}, not to root or {user} (mode {:04o})", .path.display(), .mode & 0o7777)]
    Foreign {
        /// The file, folder or link.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Who should run it.
        user: String,
    },
    /// Links lead to links.
    #[error("{}: too many links", .0.display())]
    Links(PathBuf),
}

impl Unsafe {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::NoUser(_) => "name a user that exists".to_owned(),
            Self::Relative(_) => "write its path from the root".to_owned(),
            Self::Missing(..) | Self::NoFile(..) | Self::Links(_) => {
                "name a program that exists".to_owned()
            }
            Self::NotExecutable { path, .. } => format!("run `chmod a+rx {}`", path.display()),
            Self::Closed { path, .. } => {
                format!("run `chmod a+x {}`, or put it elsewhere", path.display())
            }
            Self::Writable { path, .. } => {
                format!(
                    "whoever can change it decides what is run: `chmod go-w {}`",
                    path.display()
                )
            }
            Self::Foreign { path, .. } => {
                format!("whoever owns it decides what is run: `chown root {}`", path.display())
            }
        }
    }
}

/// Without the number that the standard library adds.
fn plain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_lowercase(),
        None => error.to_string(),
    }
}

impl User {
    /// The user of that name.
    ///
    /// # Errors
    /// [`Unsafe::NoUser`].
    pub fn named(name: &str) -> Result<Self, Unsafe> {
        let user = unistd::User::from_name(name).ok().flatten();
        let user = user.ok_or_else(|| Unsafe::NoUser(name.to_owned()))?;
        Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    /// The agent's own.
    #[must_use]
    pub fn own() -> Self {
        let (uid, gid) = (geteuid(), getegid());
        let user = unistd::User::from_uid(uid).ok().flatten();
        let name = user.map_or_else(|| format!("user {uid}"), |user| user.name);
        Self { name, uid: uid.as_raw(), gid: gid.as_raw() }
    }

    /// May this user run the program, and nobody else but root change it?
    fn check(&self, program: &Path) -> Result<(), Unsafe> {
        if !program.is_absolute() {
            return Err(Unsafe::Relative(program.to_owned()));
        }
        let mut here = PathBuf::from("/");
        let mut ahead = steps(program);
        let mut links = 0;
        self.check_folder(&here, &look(&here)?)?;
        while let Some(step) = ahead.pop_front() {
            if step == ".." {
                here.pop();
                continue;
            }
            let path = here.join(step);
            let found = look(&path)?;
            self.check_owner(&path, &found)?;
            if found.is_symlink() {
                links += 1;
                if links > LINKS {
                    return Err(Unsafe::Links(program.to_owned()));
                }
                let target = fs::read_link(&path).map_err(|error| Unsafe::Missing(path, error))?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                steps(&target).into_iter().rev().for_each(|step| ahead.push_front(step));
            } else if found.is_dir() {
                self.check_folder(&path, &found)?;
                here = path;
            } else if ahead.is_empty() {
                return self.check_file(path, &found);
            } else {
                return Err(Unsafe::Missing(path, nix::errno::Errno::ENOTDIR.into()));
            }
        }
        let mode = look(&here)?.mode();
        Err(Unsafe::NoFile(here, mode))
    }

    fn check_file(&self, path: PathBuf, found: &Metadata) -> Result<(), Unsafe> {
        let mode = found.mode();
        if !found.is_file() {
            return Err(Unsafe::NoFile(path, mode));
        }
        check_writers(&path, found)?;
        if !self.may_execute(found) {
            return Err(Unsafe::NotExecutable { path, mode, user: self.name.clone() });
        }
        Ok(())
    }

    /// In a sticky folder such as /tmp, what is there can be replaced by its owner alone, and that is looked at.
    fn check_folder(&self, path: &Path, found: &Metadata) -> Result<(), Unsafe> {
        if found.mode() & STICKY == 0 {
            check_writers(path, found)?;
        }
        if !self.may_execute(found) {
            let (path, mode, user) = (path.to_owned(), found.mode(), self.name.clone());
            return Err(Unsafe::Closed { path, mode, user });
        }
        Ok(())
    }

    fn check_owner(&self, path: &Path, found: &Metadata) -> Result<(), Unsafe> {
        let trusted = [0, self.uid, geteuid().as_raw()];
        if trusted.contains(&found.uid()) {
            return Ok(());
        }
        let (path, mode, uid) = (path.to_owned(), found.mode(), found.uid());
        Err(Unsafe::Foreign { path, mode, uid, user: self.name.clone() })
    }

    /// With no group but its own. Root enters every folder, and runs what anybody may run.
    fn may_execute(&self, found: &Metadata) -> bool {
        let bits = match found {
            _ if self.uid == 0 => 0o111,
            found if found.uid() == self.uid => 0o100,
            found if found.gid() == self.gid => 0o010,
            _ => 0o001,
        };
        found.mode() & bits != 0 || (self.uid == 0 && found.is_dir())
    }
}

fn check_writers(path: &Path, found: &Metadata) -> Result<(), Unsafe> {
    let mode = found.mode();
    let whose = match found {
        _ if mode & ALL_WRITE != 0 => "everybody",
        found if mode & GROUP_WRITES != 0 && found.gid() != 0 => "its group",
        _ => return Ok(()),
    };
    Err(Unsafe::Writable { path: path.to_owned(), mode, whose })
}

fn look(path: &Path) -> Result<Metadata, Unsafe> {
    fs::symlink_metadata(path).map_err(|error| Unsafe::Missing(path.to_owned(), error))
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |step: Component<'_>| match step {
        Component::Normal(_) | Component::ParentDir => Some(step.as_os_str().to_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().filter_map(step).collect()
}

#[cfg(test)]
#[path = "judge_test.rs"]
mod tests;
