//! Network namespaces on this machine, with real web servers behind real packets.
//!
//! ```text
//! client ──┐            ┌── director1 ..
//!          ├── switch ──┤
//!          └────────────┴── real1, real2 ..   (VIPs on lo)
//! ```
//!
//! A [`Lab`] removes everything when it is dropped, after a panic too. A process that is killed cannot:
//! what it left behind carries its process id, and the next [`Lab::up`] removes it. Ctrl-C is the
//! caller's business: see [`crate::interrupt`].

mod bpffs;
mod capture;
mod children;
mod command;
mod director;
mod frr;
mod keepalived;
#[cfg(test)]
mod lab_test;
mod lb_config;
mod namespace;
mod network;
mod packet_socket;
mod process;
mod secret;
mod status;
mod teardown;
mod topology;
mod web_server;
mod xdp_object;
mod xdp_pass;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

pub use capture::Capture;
pub use director::{Director, DirectorPaths, lb_binary};
pub use frr::Frr;
pub use keepalived::Keepalived;
pub use lb_config::LbConfig;
pub use namespace::Namespace;
pub use network::INTERFACE;
pub use packet_socket::{Frame, PacketSocket};
pub use process::Process;
pub use secret::write_secret;
pub use status::{InterfaceStatus, RealStatus, ServiceStatus, Status};
pub use teardown::remove_left_behind;
pub use topology::{
    CLIENT_NETWORKS, Families, Node, Role, SEGMENT_PREFIX, Topology, VIP4, VIP4_BUNDLE, VIP6,
};
pub use xdp_object::{NAME as XDP_PROGRAM, xdp_object};

use network::SWITCH;
use web_server::WebServer;

/// Where labs keep their files, one folder each, named as the lab.
const FOLDER: &str = "/run";
const TOPOLOGY_FILE: &str = "topology.json";
const CONTENT_FOLDER: &str = "content";

/// A lab that runs. Dropping it removes it.
#[derive(Debug)]
pub struct Lab {
    name: String,
    topology: Topology,
    folder: PathBuf,
    namespaces: BTreeMap<String, Namespace>,
    servers: BTreeMap<String, WebServer>,
    keep: bool,
}

impl Lab {
    /// Raises a lab with a name of its own, so that labs can run side by side, and waits until its web
    /// servers answer.
    pub fn up(topology: Topology) -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self::up_named(&format!("lb{}-{number}", id()), topology)
    }

    /// Raises a lab under a given name, in place of one of that name.
    pub fn up_named(name: &str, topology: Topology) -> Result<Self> {
        remove_left_behind();
        teardown::remove(name).with_context(|| format!("removing an older lab {name}"))?;
        let folder = Path::new(FOLDER).join(name);
        let mut lab = Self {
            name: name.to_owned(),
            topology,
            folder,
            namespaces: BTreeMap::new(),
            servers: BTreeMap::new(),
            keep: false,
        };
        lab.raise().with_context(|| format!("raising the lab {name}"))?;
        Ok(lab)
    }

    /// Removes the lab of that name, whoever raised it. False when there is none.
    pub fn down(name: &str) -> Result<bool> {
        teardown::remove(name)
    }

    /// The topology of a lab that [`Lab::keep`] left behind.
    pub fn kept(name: &str) -> Result<Option<Topology>> {
        let path = Path::new(FOLDER).join(name).join(TOPOLOGY_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("reading {}", path.display()))
    }

    /// The namespace of a node of any lab that runs; the node `switch` is one too.
    pub fn namespace_of(lab: &str, node: &str) -> Result<Namespace> {
        Namespace::open(&format!("{lab}-{node}"))
    }

    /// Leaves it running when this process ends, until [`Lab::down`].
    pub fn keep(mut self) {
        self.keep = true;
    }

    /// Its name, the prefix of its namespaces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it consists of.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The folder of its files, gone when it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A node's namespace.
    ///
    /// # Panics
    /// When the lab has no such node: a mistake in the test.
    pub fn namespace(&self, node: &str) -> &Namespace {
        let known = || self.namespaces.keys().cloned().collect::<Vec<_>>().join(", ");
        self.namespaces.get(node).unwrap_or_else(|| panic!("no node {node}; there are {}", known()))
    }

    /// The client's namespace.
    pub fn client(&self) -> &Namespace {
        self.namespace("client")
    }

    /// Starts the web server of a real server and waits until it answers.
    pub fn start_server(&mut self, real: &str) -> Result<()> {
        let mut server = self.launch_server(real)?;
        server.wait_ready().with_context(|| format!("the web server of {real}"))?;
        self.servers.insert(real.to_owned(), server);
        Ok(())
    }

    /// Ends the web server of a real server: its ports refuse connections from now on.
    pub fn stop_server(&mut self, real: &str) -> Result<()> {
        let server = self.servers.remove(real);
        server.with_context(|| format!("{real} has no web server running"))?.stop()
    }

    /// The process id of a real server's web server, while it runs.
    pub fn server_id(&self, real: &str) -> Option<u32> {
        self.servers.get(real).map(WebServer::id)
    }

    /// What a real server's web server has complained about.
    pub fn server_log(&self, real: &str) -> String {
        fs::read_to_string(web_server::log(&self.folder.join(real))).unwrap_or_default()
    }

    /// Attaches somebody else's XDP program, one that passes everything, to an interface of a node.
    pub fn occupy(&self, node: &str, interface: &str) -> Result<()> {
        xdp_pass::attach(self.namespace(node), &[interface], &self.folder)
    }

    /// Captures packets on an interface of a node into a file in the lab's folder.
    ///
    /// `filter` is tcpdump's; the empty one takes everything. XDP_TX and redirect out of `eth0` of a
    /// director is seen on the switch: `lab.capture("switch", "director1", "tcp port 80")`.
    pub fn capture(&self, node: &str, interface: &str, filter: &str) -> Result<Capture> {
        let file = self.folder.join(format!("{node}-{interface}.pcap"));
        Capture::start(self.namespace(node), interface, filter, &file)
    }

    fn raise(&mut self) -> Result<()> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("creating {}: are you root?", self.folder.display()))?;
        network::raise(&self.name, &self.topology, &self.folder)?;
        let names = self.topology.nodes().into_iter().map(|node| node.name);
        for name in names.chain([SWITCH.to_owned()]) {
            self.namespaces.insert(name.clone(), Self::namespace_of(&self.name, &name)?);
        }
        web_server::write_content(&self.folder.join(CONTENT_FOLDER))?;
        for real in self.topology.real_servers() {
            let server = self.launch_server(&real.name)?;
            self.servers.insert(real.name, server);
        }
        for (real, server) in &mut self.servers {
            server.wait_ready().with_context(|| format!("the web server of {real}"))?;
        }
        fs::write(self.folder.join(TOPOLOGY_FILE), serde_json::to_vec_pretty(&self.topology)?)?;
        Ok(())
    }

    fn launch_server(&self, real: &str) -> Result<WebServer> {
        let node = self.topology.find(real).filter(|node| node.role == Role::Real);
        let node = node.with_context(|| format!("{real} is not a real server of this lab"))?;
        let content = self.folder.join(CONTENT_FOLDER);
        WebServer::start(self.namespace(real), &node, &self.folder.join(real), &content)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let servers = std::mem::take(&mut self.servers);
        if self.keep {
            servers.into_values().for_each(WebServer::leave_running);
            return;
        }
        drop(servers);
        self.namespaces.clear();
        if let Err(error) = teardown::remove(&self.name) {
            eprintln!("lab {}: cannot remove it: {error:#}", self.name);
        }
    }
}
