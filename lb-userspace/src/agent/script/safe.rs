//! Which files may be run: those that nobody but root can change or swap for another.
//!
//! Whoever can write to a script, or to a folder above it, decides what the agent does with its privileges. So the
//! file and every folder on the way to it must belong to root, and nobody else may write there. A folder with the
//! sticky bit (`/tmp`) may be open to all: there, nobody can take away what is root's.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

/// Symbolic links that are followed; the kernel gives up after as many.
const LINKS: usize = 40;

const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const STICKY: u32 = 0o1000;
const EXECUTE: u32 = 0o111;

/// Why a file is not run.
#[derive(Debug, thiserror::Error)]
pub enum Unsafe {
    /// It would depend on the folder the agent was started in.
    #[error("{} is not an absolute path", .0.display())]
    Relative(PathBuf),
    /// It, or a folder above it, cannot be looked at.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Too many symbolic links.
    #[error("{} has more than {LINKS} symbolic links on its way", .0.display())]
    Links(PathBuf),
    /// It, or a folder above it, is another user's.
    #[error("{} belongs to user {owner}, who could change what is run: `chown root` it", path.display())]
    Owner {
        /// What.
        path: PathBuf,
        /// Whose.
        owner: u32,
    },
    /// Others than root may write to it, or to a folder above it.
    #[error("{} can be written by others than root (mode {mode:04o}): `chmod go-w` it", path.display())]
    Writable {
        /// What.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder, a device.
    #[error("{} is not a file", .0.display())]
    NoFile(PathBuf),
    /// Nobody may run it.
    #[error("{} is not executable: `chmod +x` it", .0.display())]
    NotExecutable(PathBuf),
}

/// Whether a file may be run.
///
/// # Errors
/// Why not.
pub fn check(path: &Path) -> Result<(), Unsafe> {
    judge(&way(path)?)
}

/// A file or folder on the way to a program.
#[derive(Clone, Debug)]
struct Step {
    path: PathBuf,
    kind: Kind,
    owner: u32,
    group: u32,
    /// Permissions and the sticky bit.
    mode: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Other,
}

/// The rules. The program itself is the last step.
fn judge(way: &[Step]) -> Result<(), Unsafe> {
    let Some((program, folders)) = way.split_last() else { return Ok(()) };
    for step in folders {
        nobody_else(step)?;
    }
    let path = || program.path.clone();
    if program.kind != Kind::File {
        return Err(Unsafe::NoFile(path()));
    }
    nobody_else(program)?;
    if program.mode & EXECUTE == 0 { Err(Unsafe::NotExecutable(path())) } else { Ok(()) }
}

fn nobody_else(step: &Step) -> Result<(), Unsafe> {
    if step.owner != 0 {
        return Err(Unsafe::Owner { path: step.path.clone(), owner: step.owner });
    }
    let sticky = step.kind == Kind::Folder && step.mode & STICKY != 0;
    let others = step.mode & OTHERS_WRITE != 0 || step.group != 0 && step.mode & GROUP_WRITES != 0;
    if others && !sticky {
        return Err(Unsafe::Writable { path: step.path.clone(), mode: step.mode });
    }
    Ok(())
}

/// Everything that leads to a file, from the root; of symbolic links, the folders that they lie in and what they
/// lead to. (Nobody but the owner of its folder can change a link.)
fn way(path: &Path) -> Result<Vec<Step>, Unsafe> {
    if !path.is_absolute() {
        return Err(Unsafe::Relative(path.to_owned()));
    }
    let mut steps = Vec::new();
    let mut links = 0;
    let mut rest = parts(path);
    let mut at = PathBuf::from("/");
    steps.push(step(&at)?.0);
    while let Some(part) = rest.pop() {
        if part == Path::new("..") {
            at.pop();
            continue;
        }
        let below = at.join(&part);
        let (step, is_link) = step(&below)?;
        if !is_link {
            steps.push(step);
            at = below;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(Unsafe::Links(path.to_owned()));
        }
        let target = fs::read_link(&below).map_err(|error| unreadable(&below, error))?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        rest.extend(parts(&target));
    }
    Ok(steps)
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(named).map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// What stands there, and whether it is a symbolic link.
fn step(path: &Path) -> Result<(Step, bool), Unsafe> {
    let found = fs::symlink_metadata(path).map_err(|error| unreadable(path, error))?;
    let kind = match found.file_type() {
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Other,
    };
    let mode = found.permissions().mode() & 0o7777;
    let step = Step { path: path.to_owned(), kind, owner: found.uid(), group: found.gid(), mode };
    Ok((step, found.is_symlink()))
}

fn unreadable(path: &Path, error: io::Error) -> Unsafe {
    Unsafe::Unreadable { path: path.to_owned(), error }
}

#[cfg(test)]
#[path = "safe_test.rs"]
mod tests;
