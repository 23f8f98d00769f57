//! Debian's kernels: which package is the newest of a series, and where its image lies once downloaded.

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

/// The image of the newest kernel of a series; downloaded once, then kept in the target folder.
pub(super) fn of(series: Series) -> Result<PathBuf> {
    let folder = workspace::target_dir()?.join("kernels").join(series.name);
    if let Some(image) = find_file(&folder, is_image) {
        return Ok(image);
    }
    step(&format!("Downloading Debian's kernel {series}"), || download(series, &folder))
        .with_context(|| format!("to go on without: put a vmlinuz into {}", folder.display()))
}

fn is_image(name: &str) -> bool {
    name.starts_with("vmlinuz")
}

fn download(series: Series, folder: &Path) -> Result<PathBuf> {
    let source = debian_source().context("there is no Debian archive among apt's sources")?;
    let apt = PrivateApt::new(&source.restricted_to(series.suite))?;
    let names = apt.names("^linux-image-.*-cloud-amd64$")?;
    let Some(package) = newest(&names, series.name) else {
        bail!("Debian's {} carries no linux-image-{series}*-cloud-amd64", series.suite);
    };
    let version = apt.version_of(package, "")?.context("apt names no version of it")?;
    let boot = apt.download_and_unpack(package, &version)?.join("boot");
    let image = find_file(&boot, is_image).with_context(|| format!("no image in {package}"))?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let place = folder.join(image.file_name().context("a file has a name")?);
    // Renamed, so that half a copy is never taken for a kernel.
    let beside = folder.join("incomplete");
    fs::copy(&image, &beside)
        .and_then(|_| fs::rename(&beside, &place))
        .with_context(|| format!("cannot write {}", place.display()))?;
    Ok(place)
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
    fn an_unknown_series_is_told_what_there_is() {
        assert_eq!("6.12".parse::<Series>().unwrap().suite, "trixie");
        let error = "5.4".parse::<Series>().unwrap_err();
        assert_eq!(error, "the kernels to be had are 6.1 and 6.12");
    }
}
