//! What processes use, as `/proc` says.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use lb_tests::lab::Namespace;
use nix::unistd::{SysconfVar, sysconf};

/// What a product and all its processes have used in a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) time: Duration,
    /// CPU time.
    pub(crate) cpu: Duration,
    /// Connections that were begun.
    pub(crate) checks: u64,
    /// Bytes of memory of their own, at the end.
    pub(crate) memory: u64,
    /// Sockets that were open at a time, at most.
    pub(crate) sockets: usize,
}

impl Usage {
    pub(crate) fn checks_per_second(&self) -> f64 {
        self.checks as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn cpu_share(&self) -> f64 {
        self.cpu.as_secs_f64() / self.time.as_secs_f64()
    }

    pub(crate) fn cpu_per_check(&self) -> f64 {
        self.cpu.as_secs_f64() / self.checks.max(1) as f64
    }
}

/// A process and what it has started.
pub(crate) fn family(first: u32) -> Vec<u32> {
    let mut family = vec![first];
    let mut at = 0;
    while let Some(id) = family.get(at).copied() {
        at += 1;
        let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    family
}

/// CPU time that a process has used so far.
pub(crate) fn cpu(id: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // Its name may hold anything, and ends with the last bracket.
    let (_, numbers) = text.rsplit_once(')').context("/proc/ID/stat")?;
    let field = |index| numbers.split_whitespace().nth(index).and_then(|text| text.parse().ok());
    let (user, system): (u64, u64) = field(11).zip(field(12)).context("/proc/ID/stat")?;
    let ticks = sysconf(SysconfVar::CLK_TCK)?.context("ticks a second")?;
    Ok(Duration::from_secs_f64((user + system) as f64 / ticks as f64))
}

/// Bytes of memory; what is shared counts in part.
pub(crate) fn memory(id: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no `Pss`")?;
    let number: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(number * 1_024)
}

/// How many sockets it has open.
pub(crate) fn sockets(id: u32) -> usize {
    let entries = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// Connections that a host has begun so far.
pub(crate) fn connections(namespace: &Namespace) -> Result<u64> {
    let text = namespace.enter(|| fs::read_to_string("/proc/thread-self/net/snmp"))??;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = lines.next().zip(lines.next()).context("no TCP in /proc/net/snmp")?;
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    let (_, value) = pairs.find(|(name, _)| *name == "ActiveOpens").context("ActiveOpens")?;
    Ok(value.parse()?)
}
