//! Everything lb's build, lab and tests need from this machine. A new tool is one entry here.

use std::path::Path;

use anyhow::Result;
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::machine::Machine;
use super::requirement::{Check, Group, Install, Packages, Requirement};
use super::{bpf_linker, rust_src};
use crate::cmd::{Cmd, find_program};
use crate::workspace;

/// In the order in which they are installed; packages of the distribution come first, all at once.
pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "rust-src",
        why: "the source of `core`, which is compiled for the BPF target",
        group: Group::Build,
        check: Check::With(rust_src::is_there),
        install: Install::With(rust_src::install, rust_src::BY_HAND),
    },
    Requirement {
        name: "LLVM 22",
        why: "what bpf-linker is built against; the Rust toolchain's own will do",
        group: Group::Build,
        // A bpf-linker that runs has its LLVM.
        check: Check::With(|machine| machine.llvm().is_some() || bpf_linker::is_there(machine)),
        install: Install::Packages(Packages {
            apt: &[&["llvm-22-dev", "libpolly-22-dev", "libzstd-dev", "zlib1g-dev", "libxml2-dev"]],
            not_offered: "add LLVM's own apt repository for version 22, or get bpf-linker ready-made: \
                          cargo install cargo-binstall && cargo binstall bpf-linker@0.13.0",
            dnf: "llvm-devel",
            pacman: "llvm",
            zypper: "llvm22-devel",
            service: None,
        }),
    },
    Requirement {
        name: "bpf-linker 0.13",
        why: "links the XDP program",
        group: Group::Build,
        check: Check::With(bpf_linker::is_there),
        install: Install::With(bpf_linker::install, bpf_linker::BY_HAND),
    },
    Requirement {
        name: "iproute2",
        why: "`ip` makes the lab's interfaces, addresses and routes",
        group: Group::Lab,
        check: Check::Program("ip"),
        install: Install::Packages(Packages { dnf: "iproute", ..packages(&[&["iproute2"]]) }),
    },
    Requirement {
        name: "ethtool",
        why: "switches checksum offload off in the lab",
        group: Group::Lab,
        check: Check::Program("ethtool"),
        install: Install::Packages(packages(&[&["ethtool"]])),
    },
    Requirement {
        name: "nginx",
        why: "the web servers of the lab",
        group: Group::Lab,
        check: Check::Program("nginx"),
        install: Install::Packages(Packages {
            service: Some("nginx"),
            ..packages(&[&["nginx"], &["nginx-light"]])
        }),
    },
    Requirement {
        name: "keepalived",
        why: "the other director in the tests of VRRP",
        group: Group::Test,
        check: Check::Program("keepalived"),
        install: Install::Packages(Packages {
            service: Some("keepalived"),
            ..packages(&[&["keepalived"]])
        }),
    },
    Requirement {
        name: "HAProxy",
        why: "the other proxy: access logs and costs are compared with its own",
        group: Group::Test,
        check: Check::Program("haproxy"),
        install: Install::Packages(Packages {
            service: Some("haproxy"),
            ..packages(&[&["haproxy"]])
        }),
    },
    Requirement {
        name: "valgrind",
        why: "counts the instructions of a request",
        group: Group::Test,
        check: Check::Program("valgrind"),
        install: Install::Packages(packages(&[&["valgrind"]])),
    },
    Requirement {
        name: "PostgreSQL",
        why: "a database in the tests of health checks",
        group: Group::Test,
        check: Check::With(postgresql_is_there),
        install: Install::Packages(Packages {
            dnf: "postgresql-server",
            zypper: "postgresql-server",
            service: Some("postgresql"),
            ..packages(&[&["postgresql"]])
        }),
    },
    Requirement {
        name: "MariaDB",
        why: "a database in the tests of health checks",
        group: Group::Test,
        check: Check::Program("mariadbd"),
        install: Install::Packages(Packages {
            pacman: "mariadb",
            zypper: "mariadb",
            service: Some("mariadb"),
            ..packages(&[&["mariadb-server"]])
        }),
    },
    Requirement {
        name: "Redis",
        why: "a database in the tests of health checks",
        group: Group::Test,
        check: Check::Program("redis-server"),
        install: Install::Packages(Packages {
            dnf: "redis",
            pacman: "redis",
            zypper: "redis",
            service: Some("redis-server"),
            ..packages(&[&["redis-server"]])
        }),
    },
    Requirement {
        name: "NSD",
        why: "a name server in the tests of health checks",
        group: Group::Test,
        check: Check::Program("nsd"),
        install: Install::Packages(Packages { service: Some("nsd"), ..packages(&[&["nsd"]]) }),
    },
    Requirement {
        name: "OpenSMTPD",
        why: "a mail server in the tests of health checks",
        group: Group::Test,
        check: Check::Program("smtpd"),
        install: Install::Packages(Packages {
            service: Some("opensmtpd"),
            ..packages(&[&["opensmtpd"]])
        }),
    },
    Requirement {
        name: "FRR",
        why: "its vrrpd is the other director in the tests of VRRP, too",
        group: Group::Test,
        check: Check::With(frr_is_there),
        install: Install::Packages(Packages { service: Some("frr"), ..packages(&[&["frr"]]) }),
    },
    Requirement {
        name: "curl",
        why: "a client to try in the lab",
        group: Group::Lab,
        check: Check::Program("curl"),
        install: Install::Packages(packages(&[&["curl"]])),
    },
    Requirement {
        name: "bpffs",
        why: "programs and maps are pinned there, so that forwarding outlives the agent",
        group: Group::Lab,
        check: Check::With(bpffs_is_mounted),
        install: Install::With(mount_bpffs, "mount -t bpf bpf /sys/fs/bpf"),
    },
    Requirement {
        name: "bpftool",
        why: "shows pinned maps to people and tests",
        group: Group::Test,
        check: Check::Program("bpftool"),
        install: Install::Packages(Packages {
            pacman: "bpf",
            // Before it became a package of its own, Ubuntu had it in the kernel's tools.
            ..packages(&[&["bpftool"], &["linux-tools-common", "linux-tools-generic"]])
        }),
    },
    Requirement {
        name: "tcpdump",
        why: "records packets in the lab",
        group: Group::Test,
        check: Check::Program("tcpdump"),
        install: Install::Packages(packages(&[&["tcpdump"]])),
    },
    Requirement {
        name: "nftables",
        why: "limits the segments that clients send to a real server behind a tunnel",
        group: Group::Test,
        check: Check::Program("nft"),
        install: Install::Packages(packages(&[&["nftables"]])),
    },
    Requirement {
        name: "qemu",
        why: "emulates a machine for tests on another kernel",
        group: Group::Kernel,
        check: Check::Program("qemu-system-x86_64"),
        install: Install::Packages(Packages {
            dnf: "qemu-system-x86-core",
            zypper: "qemu-x86",
            ..packages(&[&["qemu-system-x86"]])
        }),
    },
    Requirement {
        name: "busybox",
        why: "mounts file systems in that machine",
        group: Group::Kernel,
        check: Check::Program("busybox"),
        install: Install::Packages(Packages {
            dnf: "busybox",
            pacman: "busybox",
            ..packages(&[&["busybox-static"]])
        }),
    },
    Requirement {
        name: "ipvsadm",
        why: "sets up IPVS, which lb is measured against",
        group: Group::Ipvs,
        check: Check::Program("ipvsadm"),
        install: Install::Packages(Packages {
            service: Some("ipvsadm"),
            ..packages(&[&["ipvsadm"]])
        }),
    },
    Requirement {
        name: "chrt",
        why: "gives the directors' threads their turn in that measurement",
        group: Group::Ipvs,
        check: Check::Program("chrt"),
        install: Install::Packages(packages(&[&["util-linux"]])),
    },
    Requirement {
        name: "C++ compiler",
        why: "compiles libFuzzer",
        group: Group::Fuzz,
        check: Check::Program("c++"),
        install: Install::Packages(Packages {
            dnf: "gcc-c++",
            pacman: "gcc",
            zypper: "gcc-c++",
            ..packages(&[&["g++"]])
        }),
    },
    Requirement {
        name: "cargo-deny",
        why: "checks licences and sources of dependencies",
        group: Group::Gate,
        check: Check::Program("cargo-deny"),
        install: Install::With(install_cargo_deny, "cargo install cargo-deny --locked"),
    },
];

/// Packages that are called the same everywhere, after the first of apt's names.
const fn packages(apt: &'static [&'static [&'static str]]) -> Packages {
    let name = apt[0][0];
    let not_offered = "";
    Packages { apt, not_offered, dnf: name, pacman: name, zypper: name, service: None }
}

/// Debian keeps its programs in folders by version, out of `PATH`.
fn postgresql_is_there(_: &Machine) -> bool {
    let by_version = Path::new("/usr/lib/postgresql");
    find_program("initdb").is_some() || by_version.is_dir()
}

/// Where distributions put FRR's daemons, which are in nobody's `PATH`.
const FRR_FOLDERS: [&str; 2] = ["/usr/lib/frr", "/usr/libexec/frr"];

fn frr_is_there(_: &Machine) -> bool {
    FRR_FOLDERS.iter().any(|folder| Path::new(folder).join("vrrpd").is_file())
}

const BPFFS: &str = "/sys/fs/bpf";

fn bpffs_is_mounted(_: &Machine) -> bool {
    statfs(BPFFS).is_ok_and(|fs| fs.filesystem_type() == BPF_FS_MAGIC)
}

fn mount_bpffs(_: &Machine) -> Result<()> {
    Cmd::new("mount").args(["-t", "bpf", "bpf", BPFFS]).needs_root().run_quietly()
}

fn install_cargo_deny(_: &Machine) -> Result<()> {
    Cmd::new(workspace::cargo())
        .args(workspace::quiet_unless_watched())
        .args(["install", "cargo-deny", "--locked"])
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_entry_explains_itself() {
        for (position, requirement) in REQUIREMENTS.iter().enumerate() {
            assert!(!requirement.why.is_empty(), "{}", requirement.name);
            let same = |other: &Requirement| other.name == requirement.name;
            assert_eq!(REQUIREMENTS.iter().position(same), Some(position));
        }
    }
}
