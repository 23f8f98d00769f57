//! From a topology to namespaces, links, addresses and settings.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::command;
use super::namespace::Namespace;
use super::topology::{CLIENT_NETWORKS, Node, Role, SEGMENT_PREFIX, Topology};
use super::xdp_pass;

/// The name of the node that joins the others.
pub(super) const SWITCH: &str = "switch";
/// The interface of every other node.
pub const INTERFACE: &str = "eth0";

const BRIDGE: &str = "br0";

/// Ready at once: no duplicate address detection, no router to wait for. Reverse path filtering would
/// drop what direct routing sends the other way round.
const EVERY_NODE: &[(&str, &str)] = &[
    ("net/ipv6/conf/all/disable_ipv6", "0"),
    ("net/ipv6/conf/default/disable_ipv6", "0"),
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/eth0/accept_dad", "0"),
    ("net/ipv6/conf/eth0/accept_ra", "0"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/eth0/rp_filter", "0"),
];
/// The switch has no addresses: it does not speak.
const SWITCH_ONLY: &[(&str, &str)] =
    &[("net/ipv6/conf/all/disable_ipv6", "1"), ("net/ipv6/conf/default/disable_ipv6", "1")];
/// The client answers for whole networks, and asks for neighbours in the name of the node itself.
const CLIENT: &[(&str, &str)] = &[
    ("net/ipv4/conf/all/arp_announce", "2"),
    ("net/ipv6/ip_nonlocal_bind", "1"),
    ("net/ipv4/ip_local_port_range", "1024 65535"),
];
/// A real server has the VIPs and never says so.
const REAL: &[(&str, &str)] =
    &[("net/ipv4/conf/all/arp_ignore", "1"), ("net/ipv4/conf/all/arp_announce", "2")];

/// Makes every namespace of the lab `lab` and connects them. `folder` takes the XDP object.
pub(super) fn raise(lab: &str, topology: &Topology, folder: &Path) -> Result<()> {
    let nodes = topology.nodes();
    // The bridge comes first and takes index 2, which `eth0` has elsewhere. A veth whose two ends have
    // the same index is nobody's hurry to the kernel's link watch: IPv6 begins up to a second late.
    let mut script = format!(
        "netns add {lab}-{SWITCH}\n\
         link add {BRIDGE} netns {lab}-{SWITCH} type bridge \
         stp_state 0 forward_delay 0 mcast_snooping 0\n"
    );
    for Node { name, .. } in &nodes {
        writeln!(script, "netns add {lab}-{name}")?;
        writeln!(
            script,
            "link add {INTERFACE} netns {lab}-{name} type veth peer name {name} netns {lab}-{SWITCH}"
        )?;
    }
    command::ip_batch(&script)?;
    raise_switch(&Namespace::open(&format!("{lab}-{SWITCH}"))?, &nodes, folder)?;
    for node in &nodes {
        let namespace = Namespace::open(&format!("{lab}-{}", node.name))?;
        raise_node(&namespace, node, topology).with_context(|| format!("raising {}", node.name))?;
    }
    Ok(())
}

fn raise_switch(switch: &Namespace, nodes: &[Node], folder: &Path) -> Result<()> {
    switch.sysctls(SWITCH_ONLY)?;
    let mut script = format!("link set lo up\nlink set {BRIDGE} up\n");
    for Node { name, .. } in nodes {
        no_checksum_offload(switch, name)?;
        writeln!(script, "link set {name} master {BRIDGE} up")?;
    }
    let directors = nodes.iter().filter(|node| node.role == Role::Director);
    let ports: Vec<_> = directors.map(|node| node.name.as_str()).collect();
    for port in &ports {
        tags_within(switch, port)?;
    }
    xdp_pass::attach(switch, &ports, folder)?;
    switch.ip_batch(&script)
}

fn raise_node(namespace: &Namespace, node: &Node, topology: &Topology) -> Result<()> {
    namespace.sysctls(EVERY_NODE)?;
    match node.role {
        Role::Client => namespace.sysctls(CLIENT)?,
        Role::Real => namespace.sysctls(REAL)?,
        Role::Director => {}
    }
    no_checksum_offload(namespace, INTERFACE)?;
    if node.role == Role::Real {
        in_order(namespace)?;
    }
    namespace.ip_batch(&node_script(node, topology)?)
}

fn node_script(node: &Node, topology: &Topology) -> Result<String> {
    let mut script = String::from("link set lo up\n");
    let (prefix4, prefix6) = SEGMENT_PREFIX;
    if let Some(address) = node.ipv4 {
        writeln!(script, "address add {address}/{prefix4} dev {INTERFACE}")?;
    }
    if let Some(address) = node.ipv6 {
        writeln!(script, "address add {address}/{prefix6} dev {INTERFACE} nodad")?;
    }
    writeln!(script, "link set {INTERFACE} up")?;

    let ((clients4, prefix4), (clients6, prefix6)) = CLIENT_NETWORKS;
    let gateway = topology.client_gateway();
    let networks = [
        gateway.ipv4.map(|via| (format!("{clients4}/{prefix4}"), via.to_string())),
        gateway.ipv6.map(|via| (format!("{clients6}/{prefix6}"), via.to_string())),
    ];
    for (network, via) in networks.into_iter().flatten() {
        match node.role {
            Role::Client => writeln!(script, "route add local {network} dev lo")?,
            Role::Director | Role::Real => writeln!(script, "route add {network} via {via}")?,
        }
    }
    if node.role == Role::Real {
        for vip in topology.vips() {
            let (prefix, option) = if vip.is_ipv4() { (32, "") } else { (128, " nodad") };
            writeln!(script, "address add {vip}/{prefix} dev lo{option}")?;
        }
    }
    Ok(script)
}

/// A checksum the kernel meant to fill in later is lost when the packet becomes an XDP frame.
fn no_checksum_offload(namespace: &Namespace, interface: &str) -> Result<()> {
    namespace.run(Command::new("ethtool").args(["-K", interface, "tx", "off"])).map(drop)
}

/// VLAN tags within frames, where XDP at the other end sees them: a veth leaves them beside frames otherwise.
fn tags_within(namespace: &Namespace, interface: &str) -> Result<()> {
    namespace.run(Command::new("ethtool").args(["-K", interface, "txvlan", "off"])).map(drop)
}

/// Packets of a connection one after the other, as a card with receive queues gives them: with GRO, a veth
/// polls one queue. Otherwise each packet comes in on whichever CPU has just forwarded it, and a server
/// whose CPUs meet a handshake's last packet and the request at the same instant resets the connection
/// (seen about once in a million).
fn in_order(namespace: &Namespace) -> Result<()> {
    namespace.run(Command::new("ethtool").args(["-K", INTERFACE, "gro", "on"])).map(drop)
}
