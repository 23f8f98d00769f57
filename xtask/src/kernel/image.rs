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
    /// In the order in which they were asked for.
    pub(super) modules: Vec<PathBuf>,
}

/// Modules that are kept, and where a kernel has them: veth and tc's filters for the tests; a bridge, VLANs and what
/// they stand on for the lab; IPVS and what it stands on for the benchmark. Everything else is built in.
const MODULES: &[(&str, &str)] = &[
    ("kernel/drivers/net", "veth"),
    ("kernel/net/sched", "sch_ingress"),
    ("kernel/net/sched", "cls_bpf"),
    ("kernel/net/llc", "llc"),
    ("kernel/net/802", "stp"),
    ("kernel/net/802", "garp"),
    ("kernel/net/802", "mrp"),
    ("kernel/net/8021q", "8021q"),
    ("kernel/net/bridge", "bridge"),
    ("kernel/lib", "libcrc32c"),
    ("kernel/net/ipv4/netfilter", "nf_defrag_ipv4"),
    ("kernel/net/ipv6/netfilter", "nf_defrag_ipv6"),
    ("kernel/net/netfilter", "nf_conntrack"),
    ("kernel/net/netfilter/ipvs", "ip_vs"),
    ("kernel/net/netfilter/ipvs", "ip_vs_mh"),
];

impl Kernel {
    fn among(folder: &Path, modules: &[&str]) -> Option<Self> {
        let modules = modules.iter().map(|name| find_module(folder, name));
        Some(Self { image: find_file(folder, is_image)?, modules: modules.collect::<Option<_>>()? })
    }
}

/// The newest kernel of a series with these modules; downloaded once, then kept in the target folder.
pub(super) fn of(series: Series, modules: &[&str]) -> Result<Kernel> {
    let kernels = workspace::target_dir()?.join("kernels");
    let folder = kernels.join(series.name);
    if let Some(kernel) = Kernel::among(&folder, modules) {
        return Ok(kernel);
    }
    let needed = format!("vmlinuz and the modules {}", modules.join(", "));
    step(&format!("Downloading Debian's kernel {series}"), || download(series, &kernels))
        .with_context(|| format!("to do it by hand, put {needed} into {}", folder.display()))?;
    Kernel::among(&folder, modules)
        .with_context(|| format!("not all of {needed} are in {}", folder.display()))
}

fn is_image(name: &str) -> bool {
    name.starts_with("vmlinuz")
}

/// A module's file, compressed or not.
fn find_module(folder: &Path, name: &str) -> Option<PathBuf> {
    let start = format!("{name}.ko");
    find_file(folder, |file| file.starts_with(&start))
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
    let modules = ["lib/modules", "usr/lib/modules"]
        .map(|modules| unpacked.join(modules).join(release))
        .into_iter()
        .find(|modules| modules.is_dir())
        .with_context(|| format!("no modules in {package}"))?;
    let found =
        MODULES.iter().filter_map(|(folder, name)| find_module(&modules.join(folder), name));
    let files: Vec<_> = [image].into_iter().chain(found).collect();
    keep(&files, kernels, series.name)
}

/// Copies files into a folder that appears whole or not at all, in place of one that lacks some.
fn keep(files: &[PathBuf], kernels: &Path, name: &str) -> Result<()> {
    let not_written = || format!("cannot write to {}", kernels.display());
    fs::create_dir_all(kernels).with_context(not_written)?;
    let beside = tempfile::tempdir_in(kernels).with_context(not_written)?;
    let whole = beside.path().join(name);
    fs::create_dir(&whole).with_context(not_written)?;
    for file in files {
        let place = whole.join(file.file_name().context("a file has a name")?);
        fs::copy(file, place).with_context(not_written)?;
    }
    let place = kernels.join(name);
    if place.exists() {
        fs::remove_dir_all(&place).with_context(not_written)?;
    }
    fs::rename(&whole, place).with_context(not_written)
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
        let folder = kernels.join("6.1");
        keep(std::slice::from_ref(&image), &kernels, "6.1").unwrap();
        assert!(Kernel::among(&folder, &["veth"]).is_none(), "it lacks the module");
        keep(&[image, module], &kernels, "6.1").unwrap();
        let kernel = Kernel::among(&folder, &["veth"]).unwrap();
        assert_eq!(fs::read_to_string(&kernel.modules[0]).unwrap(), "module");
        assert!(Kernel::among(&folder, &["veth", "ip_vs"]).is_none());
        assert_eq!(fs::read_dir(&kernels).unwrap().count(), 1, "the folder beside it is gone");
    }

    #[test]
    fn an_unknown_series_is_told_what_there_is() {
        assert_eq!("6.12".parse::<Series>().unwrap().suite, "trixie");
        let error = "5.4".parse::<Series>().unwrap_err();
        assert_eq!(error, "the kernels to be had are 6.1 and 6.12");
    }
}
