//! One thing this machine must have: how to see that it is there, and how to get it.

use anyhow::Result;

use super::machine::Machine;
use crate::cmd::find_program;

/// What a requirement is for; each subcommand asks only for the groups it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Building the XDP program and `lb`.
    Build,
    /// Raising the lab, or running `lb` on this host.
    Lab,
    /// Tests, beyond what the lab needs.
    Test,
    /// Tests on other kernels, in an emulated machine.
    Kernel,
    /// The contest with IPVS.
    Ipvs,
    /// Fuzzing.
    Fuzz,
    /// The gate (`.ci/run`) alone.
    Gate,
}

/// An entry of the list.
pub(super) struct Requirement {
    /// What a person calls it.
    pub(super) name: &'static str,
    /// What it is needed for, in a few words.
    pub(super) why: &'static str,
    pub(super) group: Group,
    pub(super) check: Check,
    pub(super) install: Install,
}

/// How to see, without starting a process where possible, that the thing is there.
pub(super) enum Check {
    /// A program in `PATH` or a system folder.
    Program(&'static str),
    /// Anything else.
    With(fn(&Machine) -> bool),
}

/// How to get the thing.
pub(super) enum Install {
    /// From the distribution.
    Packages(Packages),
    /// By a function. The words say what a person would do where the function fails.
    With(fn(&Machine) -> Result<()>, &'static str),
}

/// The packages that bring a thing, by package manager.
pub(super) struct Packages {
    /// Alternatives, best first: distributions of the apt family use different names.
    pub(super) apt: &'static [&'static [&'static str]],
    /// What to say where apt offers none of them.
    pub(super) not_offered: &'static str,
    pub(super) dnf: &'static str,
    pub(super) pacman: &'static str,
    pub(super) zypper: &'static str,
    /// A service the package brings, which must not be left running.
    pub(super) service: Option<&'static str>,
}

impl Requirement {
    pub(super) fn is_met(&self, machine: &Machine) -> bool {
        match self.check {
            Check::Program(name) => find_program(name).is_some(),
            Check::With(check) => check(machine),
        }
    }
}
