//! The lab's standard `lb.toml`: three services over the lab's real servers.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::Lab;
use super::director::DirectorPaths;
use super::network::INTERFACE;
use super::secret::write_secret;
use super::topology::{Families, Topology, VIP4, VIP4_BUNDLE, VIP6};

/// The standard configuration of a director, with what a test may want different.
///
/// Pools `web4` and `web6`; services `web4` and `web6` on port 80 and `bundle`, ports 80 and 443 by
/// client address (IPv4).
#[derive(Clone, Debug)]
pub struct LbConfig {
    /// How many of the topology's real servers are in the pools; the others are there to be added.
    pub reals: usize,
    /// The health check, a TOML inline table; none when empty.
    pub check: String,
    /// Text for the `[node]` table.
    pub node: String,
    /// Text for each `[[pool]]`, such as `window = "10s"`.
    pub pool: String,
    /// Text for each `[[service]]`, such as `guard = {}`.
    pub service: String,
    /// Text at the end: tables of your own.
    pub more: String,
}

impl LbConfig {
    /// Every real server of the topology, with a quick TCP check.
    pub fn new(topology: &Topology) -> Self {
        Self {
            reals: topology.real_servers().len(),
            check: r#"{ type = "tcp", interval = "200ms", timeout = "150ms", rise = 2, fall = 3 }"#
                .into(),
            node: String::new(),
            pool: String::new(),
            service: String::new(),
            more: String::new(),
        }
    }

    /// The text of `lb.toml` for a director with these paths.
    pub fn to_toml(&self, topology: &Topology, paths: &DirectorPaths) -> String {
        let families = topology.families_in_use();
        let mut text = self.node_table(paths);
        if families.ipv4() {
            text += &self.pool_table("web4", topology, Families::Ipv4);
            text += &service("web4", &VIP4.to_string(), &["tcp/80"], "web4", &self.service);
            text += &service(
                "bundle",
                &VIP4_BUNDLE.to_string(),
                &["tcp/80", "tcp/443"],
                "web4",
                &format!("mark = 80\n{}", self.service),
            );
        }
        if families.ipv6() {
            text += &self.pool_table("web6", topology, Families::Ipv6);
            text += &service("web6", &VIP6.to_string(), &["tcp/80"], "web6", &self.service);
        }
        text + &self.more
    }

    /// Writes it for a director of a lab, where [`super::Director`] looks for it.
    pub fn write(&self, lab: &Lab, director: &str) -> Result<DirectorPaths> {
        let paths = DirectorPaths::new(lab, director);
        fs::create_dir_all(&paths.state)
            .with_context(|| format!("creating {}", paths.state.display()))?;
        write_secret(&paths.config, &self.to_toml(lab.topology(), &paths))?;
        Ok(paths)
    }

    fn node_table(&self, paths: &DirectorPaths) -> String {
        format!(
            "[node]\nname = \"{}\"\ninterface = \"{INTERFACE}\"\nsocket = {:?}\npin_folder = {:?}\n\
             state_folder = {:?}\n{}\n",
            paths.name, paths.socket, paths.pins, paths.state, self.node
        )
    }

    fn pool_table(&self, name: &str, topology: &Topology, family: Families) -> String {
        let mut text = format!("\n[[pool]]\nname = \"{name}\"\nscheduler = \"maglev\"\n");
        if !self.check.is_empty() {
            let _ = writeln!(text, "check = {}", self.check);
        }
        let _ = writeln!(text, "{}servers = [", self.pool);
        for real in topology.real_servers().iter().take(self.reals) {
            for address in real.addresses().filter(|a| a.is_ipv4() == family.ipv4()) {
                let _ =
                    writeln!(text, "  {{ name = \"{}\", address = \"{address}\" }},", real.name);
            }
        }
        text + "]\n"
    }
}

fn service(name: &str, vip: &str, ports: &[&str], pool: &str, more: &str) -> String {
    format!(
        "\n[[service]]\nname = \"{name}\"\naddress = \"{vip}\"\nports = {ports:?}\n\
         mode = \"direct-routing\"\npool = \"{pool}\"\n{more}"
    )
}
