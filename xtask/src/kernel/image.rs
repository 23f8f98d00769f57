//! Debian's kernels: the newest package of a series, downloaded once.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::cmd::step;
use crate::setup::{PrivateApt, debian_source, find_file};
use crate::workspace;

/// A series of kernels, and the suite of Debian that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    name: &'static str,
    suite: &'static str,
}

const ALL: &[Series] =
    &[Series { name: "6.1", suite: "bookworm" }, Series { name: "6.12", suite: "trixie" }];

impl FromStr for Series {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ALL.iter().find(|series| series.name == text).copied().ok_or_else(|| {
            let known: Vec<_> = ALL.iter().map(|series| series.name).collect();
            format!("the kernels to be had are {}", known.join(" and "))
        })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The parts of a kernel that the guest gets.
pub(super) struct Kernel {
    pub(super) image: PathBuf,
    pub(super) module: PathBuf,
}

impl Kernel {
    fn among(folder: &Path) -> Option<Self> {
        Some(Self { image: find_file(folder, is_image)?, module: find_file(folder, is_module)? })
    }
}

/// The newest kernel of a series; downloaded once, then kept in the target folder.
pub(super) fn of(series: Series) -> Result<Kernel> {
    let kernels = workspace::target_dir()?.join("kernels");
    let folder = kernels.join(series.name);
    if let Some(kernel) = Kernel::among(&folder) {
        return Ok(kernel);
    }
    step(&format!("Downloading Debian's kernel {series}"), || download(series, &kernels))
        .with_context(|| {
            format!("to do it by hand, put vmlinuz and veth.ko into {}", folder.display())
        })?;
    Kernel::among(&folder).with_context(|| format!("there is no kernel in {}", folder.display()))
}

fn is_image(name: &str) -> bool {
    name.starts_with("vmlinuz")
}

/// Everything else that the tests need is built in.
fn is_module(name: &str) -> bool {
    name.starts_with("veth.ko")
}

fn download(series: Series, kernels: &Path) -> Result<()> {
    let source = debian_source().context("there is no Debian archive among apt's sources")?;
    let apt = PrivateApt::new(&source.restricted_to(series.suite))?;
    let names = apt.names("^linux-image-.*-cloud-amd64$")?;
    let Some(package) = newest(&names, series.name) else {
        bail!("Debian's {} carries no linux-image-{series}*-cloud-amd64", series.suite);
    };
    let version = apt.version_of(package, "")?.context("apt names no version of it")?;
    let unpacked = apt.download_and_unpack(package, &version)?;
    let image = find_file(&unpacked.join("boot"), is_image)
        .with_context(|| format!("no image in {package}"))?;
    let release = package.trim_start_matches("linux-image-");
    let module = ["lib/modules", "usr/lib/modules"]
        .iter()
        .find_map(|modules| {
            let drivers = unpacked.join(modules).join(release).join("kernel/drivers/net");
            find_file(&drivers, is_module)
        })
        .with_context(|| format!("no module veth in {package}"))?;
    keep(&[&image, &module], kernels, series.name)
}

/// Copies files into a folder that appears whole or not at all.
fn keep(files: &[&Path], kernels: &Path, name: &str) -> Result<()> {
    let not_written = || format!("cannot write to {}", kernels.display());
    fs::create_dir_all(kernels).with_context(not_written)?;
    let beside = tempfile::tempdir_in(kernels).with_context(not_written)?;
    let whole = beside.path().join(name);
    fs::create_dir(&whole).with_context(not_written)?;
    for file in files {
        let place = whole.join(file.file_name().context("a file has a name")?);
        fs::copy(file, place).with_context(not_written)?;
    }
    fs::rename(&whole, kernels.join(name)).with_context(not_written)
}

/// Of packages like `linux-image-6.1.0-47-cloud-amd64`, the newest of a series.
fn newest<'a>(packages: &'a [String], series: &str) -> Option<&'a str> {
    let start = format!("linux-image-{series}.");
    let numbers = |name: &str| -> Vec<u32> {
        let groups = name.split(|c: char| !c.is_ascii_digit());
        groups.filter_map(|digits| digits.parse().ok()).collect()
    };
    let of_series = packages.iter().map(String::as_str).filter(|name| name.starts_with(&start));
    of_series.max_by_key(|name| numbers(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_found_by_number_within_the_series() {
        let names = [
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.1.0-47-cloud-amd64",
            "linux-image-6.12-cloud-amd64",
            "linux-image-6.12.9+deb13-cloud-amd64",
            "linux-image-6.12.57+deb13-cloud-amd64",
            "linux-image-cloud-amd64",
        ]
        .map(String::from);
        assert_eq!(newest(&names, "6.1"), Some("linux-image-6.1.0-47-cloud-amd64"));
        assert_eq!(newest(&names, "6.12"), Some("linux-image-6.12.57+deb13-cloud-amd64"));
        assert_eq!(newest(&names, "6.6"), None);
    }

    #[test]
    fn a_kernel_is_kept_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (image, module) = (dir.path().join("vmlinuz-1"), dir.path().join("veth.ko.xz"));
        fs::write(&image, "image").unwrap();
        fs::write(&module, "module").unwrap();
        let kernels = dir.path().join("kernels");
        keep(&[&image, &module], &kernels, "6.1").unwrap();
        let kernel = Kernel::among(&kernels.join("6.1")).unwrap();
        assert_eq!(fs::read_to_string(kernel.module).unwrap(), "module");
        assert_eq!(fs::read_dir(&kernels).unwrap().count(), 1, "the folder beside it is gone");
    }

    #[test]
    fn an_unknown_series_is_told_what_there_is() {
        assert_eq!("6.12".parse::<Series>().unwrap().suite, "trixie");
        let error = "5.4".parse::<Series>().unwrap_err();
        assert_eq!(error, "the kernels to be had are 6.1 and 6.12");
    }
}
