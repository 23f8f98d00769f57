//! apt: packages for the system, and a private apt that leaves the system as it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::machine::find_file;
use crate::cmd::{Cmd, find_program};

/// Run as root by `sh -c`; see the file for why it is not a bare apt-get.
const INSTALL: &str = include_str!("install.sh");

pub(super) fn is_available() -> bool {
    find_program("apt-get").is_some()
}

/// Fetches the lists of packages. A mirror that fails is not the end: older lists may do.
pub(super) fn update() {
    if let Err(error) = Cmd::new("apt-get").args(["update", "-qq"]).needs_root().run_quietly() {
        eprintln!("  {error:#}\n  going on with the lists of packages there are");
    }
}

/// Which of these packages apt could install now.
pub(super) fn offered(names: &[&str]) -> Result<BTreeSet<String>> {
    let policy = Cmd::new("apt-cache").arg("policy").args(names).env("LC_ALL", "C").read()?;
    Ok(candidates(&policy))
}

/// Reads `apt-cache policy`: a line with a name, then indented ones, among them the candidate.
fn candidates(policy: &str) -> BTreeSet<String> {
    let mut offered = BTreeSet::new();
    let mut name = "";
    for line in policy.lines() {
        if let Some(package) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            name = package;
        } else if line.trim().strip_prefix("Candidate: ").is_some_and(|version| version != "(none)")
        {
            offered.insert(name.to_owned());
        }
    }
    offered
}

/// Installs packages and leaves none of their services running.
pub(super) fn install(packages: &[&str], services: &[&str]) -> Result<()> {
    eprintln!("  # apt-get install --no-install-recommends {}", packages.join(" "));
    Cmd::new("sh")
        .args(["-c", INSTALL, "install.sh"])
        .arg(services.join(" "))
        .args(packages)
        .needs_root()
        .read()
        .map(drop)
        .with_context(|| format!("apt could not install {}", packages.join(", ")))
}

/// An apt with one source and folders of its own: the system's sources, lists and packages stay untouched.
pub(crate) struct PrivateApt {
    folder: TempDir,
}

impl PrivateApt {
    /// Fetches the lists of one source, given in deb822 form.
    pub(crate) fn new(source: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        for part in ["sources", "lists/partial", "cache/archives/partial"] {
            let part = folder.path().join(part);
            fs::create_dir_all(&part)
                .with_context(|| format!("cannot create {}", part.display()))?;
        }
        let file = folder.path().join("sources/only.sources");
        fs::write(&file, source).with_context(|| format!("cannot write {}", file.display()))?;
        let apt = Self { folder };
        apt.command("apt-get").args(["update", "-qq"]).read()?;
        Ok(apt)
    }

    /// The packages whose names match a regular expression.
    pub(crate) fn names(&self, pattern: &str) -> Result<Vec<String>> {
        let found = self.command("apt-cache").args(["search", "--names-only", pattern]).read()?;
        // Each line is a name, a dash and a description.
        Ok(found.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }

    /// The newest version of a package that starts with the given text.
    pub(crate) fn version_of(&self, package: &str, start: &str) -> Result<Option<String>> {
        let table = self.command("apt-cache").args(["madison", package]).read()?;
        let version = |line: &str| line.split('|').nth(1).map(|version| version.trim().to_owned());
        Ok(table.lines().filter_map(version).find(|version| version.starts_with(start)))
    }

    /// Downloads a package and unpacks it without installing; the folder lives as long as `self`.
    pub(crate) fn download_and_unpack(&self, package: &str, version: &str) -> Result<PathBuf> {
        let folder = self.folder.path();
        let wanted = format!("{package}={version}");
        eprintln!("  # apt-get download {wanted}, in a temporary folder");
        self.command("apt-get").args(["download", "-qq", &wanted]).dir(folder).read()?;
        let is_package = |name: &str| Path::new(name).extension().is_some_and(|end| end == "deb");
        let file = find_file(folder, is_package).context("apt downloaded no package")?;
        let unpacked = folder.join("unpacked");
        Cmd::new("dpkg-deb").arg("-x").arg(file).arg(&unpacked).read()?;
        Ok(unpacked)
    }

    fn command(&self, program: &str) -> Cmd {
        let option =
            |key: &str, part: &str| format!("-o{key}={}", self.folder.path().join(part).display());
        Cmd::new(program)
            .arg("-oDir::Etc::SourceList=/dev/null")
            .arg(option("Dir::Etc::SourceParts", "sources"))
            .arg(option("Dir::State::Lists", "lists"))
            .arg(option("Dir::Cache", "cache"))
            // The sandbox's user could not read the temporary folder.
            .arg("-oAPT::Sandbox::User=root")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_with_a_candidate_are_offered() {
        let policy = "nginx:\n  Installed: (none)\n  Candidate: 1.22.1-9\n  Version table:\n     1.22.1-9 500\n\
                      bpftool:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        assert_eq!(candidates(policy), BTreeSet::from(["nginx".to_owned()]));
    }
}
