//! The directors of the lab: two that share the VIPs by VRRP, as in the classic two-router guide, or one alone.
//!
//! The guide's: VRID 51, priorities 5 and 4, a password, and a haproxy on each that is worth 2.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lb_tests::lab::{
    Director, INTERFACE, Lab, LbConfig, Process, Status, VIP4, VIP4_BUNDLE, VIP6, write_secret,
};
use serde_json::Value;

const NAMES: [&str; 2] = ["director1", "director2"];
/// The first one is master while it lives.
const PRIORITIES: [u8; 2] = [5, 4];

/// Those that run, and what stands for their haproxies.
pub(super) struct Directors {
    all: Vec<Director>,
    proxies: Vec<Proxy>,
}

impl Directors {
    /// Starts so many of the lab's directors.
    pub(super) fn start(lab: &Lab, binary: &Path, count: usize) -> Result<Self> {
        let names = NAMES.get(..count).context("one director or two")?;
        let (mut all, mut proxies) = (Vec::new(), Vec::new());
        let seed = lab.folder().join("cluster.seed");
        write_secret(&seed, &"5eed".repeat(16)).context("the cluster's seed")?;
        for (name, priority) in names.iter().zip(PRIORITIES) {
            let mut config = LbConfig::new(lab.topology());
            if count > 1 {
                config.node =
                    format!("peers = [\"10.8.8.41\", \"10.8.8.42\"]\nseed_file = {seed:?}\n");
                let proxy = Proxy::start(lab, name)?;
                config.more = vrrp(priority, &proxy);
                proxies.push(proxy);
            }
            config.write(lab, name)?;
            let mut director = Director::new(lab, name)?.with_binary(binary);
            director.start()?;
            all.push(director);
        }
        Ok(Self { all, proxies })
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Director> {
        self.all.iter()
    }

    /// What to try with the first one's haproxy.
    pub(super) fn hints(&self) -> Option<String> {
        self.proxies.first().map(Proxy::hints)
    }

    /// What all of them have done together. One that is away, by the person's own doing, counts nothing.
    pub(super) fn status(&self) -> Result<Status> {
        let mut answers = self.all.iter().filter_map(|director| director.status().ok());
        let mut sum = answers.next().context("no director answers")?;
        answers.for_each(|other| add(&mut sum, &other));
        Ok(sum)
    }

    /// Who has the VIPs, in a line.
    pub(super) fn master(&self) -> String {
        let mut line = String::new();
        for director in &self.all {
            let state = director.lb(&["vrrp", "--json"]).ok().and_then(|text| states(&text));
            let state = match state.as_deref() {
                None => "is away",
                Some([]) => "has the VIPs, without VRRP",
                Some(states) if states.iter().all(|state| state == "master") => "has the VIPs",
                Some(_) => "stands by",
            };
            let comma = if line.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(line, "{comma}{} {state}", director.paths.name);
        }
        line
    }

    /// Ends the agents as an operator would; they remove what they put in place.
    pub(super) fn end(self) -> Result<()> {
        for mut director in self.all {
            if director.runs() {
                let status = director.terminate()?;
                let log = director.log();
                ensure!(status.success(), "`lb run` ended with {status}; it wrote:\n{log}");
            }
        }
        Ok(())
    }
}

/// A process that stands for a director's haproxy.
struct Proxy {
    name: String,
    program: PathBuf,
    process: Process,
}

impl Proxy {
    /// `sleep` by another name, since the namespaces share one list of processes.
    fn start(lab: &Lab, director: &str) -> Result<Self> {
        let name = format!("{}-{director}-haproxy", lab.name());
        let program = lab.folder().join(&name);
        symlink("/bin/sleep", &program).context("a name for sleep")?;
        let log = lab.folder().join(format!("{director}-haproxy.log"));
        let mut command = Command::new(&program);
        let process = Process::spawn(lab.namespace(director), command.arg("infinity"), &log)?;
        Ok(Self { name, program, process })
    }

    fn hints(&self) -> String {
        format!(
            "  kill {}\n    \
             the first director's haproxy ends: its 5 are fewer than 4 + 2, and the VIPs move\n  \
             {} 600 &\n    \
             it is back, and so are they\n",
            self.process.id(),
            self.program.display()
        )
    }
}

/// The state of each instance.
fn states(json: &str) -> Option<Vec<String>> {
    let instances: Vec<Value> = serde_json::from_str(json).ok()?;
    instances.iter().map(|instance| Some(instance.get("state")?.as_str()?.to_owned())).collect()
}

/// The guide's instance for IPv4, and one for IPv6 that moves with it.
fn vrrp(priority: u8, proxy: &Proxy) -> String {
    let process = &proxy.name;
    format!(
        "\n[[track]]\nname = \"haproxy\"\nprocess = \"{process}\"\nweight = 2\n\
         \n[[vrrp]]\nname = \"site\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\nversion = 2\n\
         priority = {priority}\nadvert_interval = \"1s\"\ntrack = [\"haproxy\"]\nauthentication = \"pass\"\npassword = \"s3cret\"\n\
         group = \"all\"\naddresses = [\"{VIP4}/24\", \"{VIP4_BUNDLE}/24\"]\n\
         \n[[vrrp]]\nname = \"site6\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
         priority = {priority}\nadvert_interval = \"1s\"\ntrack = [\"haproxy\"]\n\
         group = \"all\"\naddresses = [\"fe80::51/64\", \"{VIP6}/64\"]\n"
    )
}

fn add(sum: &mut Status, other: &Status) {
    for service in &mut sum.services {
        let Some(more) = other.service(&service.name) else { continue };
        service.packets += more.packets;
        service.bytes += more.bytes;
        for real in &mut service.reals {
            if let Some(more) = more.reals.iter().find(|more| more.name == real.name) {
                real.packets += more.packets;
                real.bytes += more.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_now() {
        let json = r#"[{"state": "backup", "transitions": [{"to": "master"}]}]"#;
        assert_eq!(states(json), Some(vec!["backup".to_owned()]));
        assert_eq!(states("[]"), Some(Vec::new()));
        assert_eq!(states("{}"), None);
    }
}
