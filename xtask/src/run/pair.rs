//! Two directors that share the VIPs, as in the guide that keepalived's users know: VRID 51, priorities 5 and 4, a
//! password, and a process on each that is worth 2.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use lb_tests::lab::{Director, INTERFACE, Lab, LbConfig, Process, VIP4, VIP4_BUNDLE};

/// The directors, with their priorities.
pub(super) const DIRECTORS: [(&str, u8); 2] = [("director1", 5), ("director2", 4)];

/// What both choose real servers by: a connection stays where it is when the VIP moves.
const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

/// A process that stands for a director's haproxy.
pub(super) struct Proxy {
    program: PathBuf,
    process: Process,
}

impl Proxy {
    /// Starts that of a director: `sleep` by another name, since the namespaces share one list of processes.
    pub(super) fn start(lab: &Lab, director: &str) -> Result<Self> {
        let program = lab.folder().join(name(lab, director));
        symlink("/bin/sleep", &program).context("a name for sleep")?;
        let log = lab.folder().join(format!("{director}-haproxy.log"));
        let mut command = Command::new(&program);
        let process = Process::spawn(lab.namespace(director), command.arg("infinity"), &log)?;
        Ok(Self { program, process })
    }

    /// What to try.
    pub(super) fn hints(&self) -> String {
        format!(
            "kill {}\n    \
             the first director's haproxy ends: its 5 are fewer than 4 + 2, and the VIPs move\n  \
             {} 600 &\n    \
             it is back, and so are they",
            self.process.id(),
            self.program.display()
        )
    }
}

/// Writes the configuration of one of them.
pub(super) fn configure(lab: &Lab, director: &str, priority: u8) -> Result<()> {
    let seed = lab.folder().join("seed");
    fs::write(&seed, SEED).with_context(|| format!("writing {}", seed.display()))?;
    let config = LbConfig {
        node: format!("seed_file = {seed:?}\n"),
        more: format!(
            "\n[[track]]\nname = \"haproxy\"\nprocess = \"{}\"\nweight = 2\n\
             \n[[vrrp]]\nname = \"site\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
             priority = {priority}\nversion = 2\npassword = \"s3cret\"\n\
             addresses = [\"{VIP4}/24\", \"{VIP4_BUNDLE}/24\"]\ntrack = [\"haproxy\"]\n",
            name(lab, director)
        ),
        ..LbConfig::new(lab.topology())
    };
    config.write(lab, director).map(drop)
}

/// The one that has the VIPs; the first one while none has.
pub(super) fn master(directors: &[Director]) -> Option<&Director> {
    let is_master = |director: &&Director| {
        let shown = director.lb(&["vrrp", "--json"]).unwrap_or_default();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap_or_default();
        shown[0]["state"] == "master"
    };
    directors.iter().find(is_master).or_else(|| directors.first())
}

fn name(lab: &Lab, director: &str) -> String {
    format!("{}-{director}-haproxy", lab.name())
}
