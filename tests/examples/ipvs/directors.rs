//! The contenders: what stands behind each wire.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aya::Ebpf;
use lb_tests::lab::{Process, Status};

use crate::traffic::{PORT, VIP, hand_on, reflect};
use crate::wire::{REALS, Wire, attach};

const READY_LIMIT: Duration = Duration::from_secs(120);
const LB_SOCKET: &str = "/tmp/lb/lb.sock";

/// A director at work, until it is dropped.
pub(crate) struct Director {
    /// What a person calls it.
    pub(crate) name: &'static str,
    pub(crate) wire: Wire,
    notes: fn(&Wire) -> Result<String>,
    _program: Option<Ebpf>,
    _agent: Option<Process>,
}

impl Director {
    /// What the reader of the figures should know about it.
    pub(crate) fn notes(&self) -> Option<String> {
        match (self.notes)(&self.wire) {
            Ok(note) if note.is_empty() => None,
            Ok(note) => Some(format!("{}: {note}", self.name)),
            Err(error) => Some(format!("{}: nothing is known: {error:#}", self.name)),
        }
    }
}

/// Settings of IPVS's namespace, each the better one for it.
const IPVS_SETTINGS: &[(&str, &str)] = &[
    // No second table of connections; it is the default.
    ("net/ipv4/vs/conntrack", "0"),
    // A connection may begin with any segment: the load's have no handshake.
    ("net/ipv4/vs/sloppy_tcp", "1"),
    // No sums of rates every two seconds.
    ("net/ipv4/vs/run_estimation", "0"),
    // No look for a socket before the packet is routed.
    ("net/ipv4/ip_early_demux", "0"),
];
/// Packets that go up the stack together, 8 by default: of the whole machine.
const STACK_BATCH: (&str, &str) = ("/proc/sys/net/core/gro_normal_batch", "64");

/// IPVS by direct routing.
pub(crate) fn ipvs() -> Result<Director> {
    let wire = Wire::lay("ipvs", 1)?;
    // A veth polls if it has GRO or an XDP program. GRO looks for packets to merge and here finds none: with
    // a program that hands everything on IPVS is 4 % cheaper (counted with --instructions).
    let program = attach(&wire.director, wire.name, &hand_on())?;
    fs::write(STACK_BATCH.0, STACK_BATCH.1).context(STACK_BATCH.0)?;
    wire.add_vip(VIP)?;
    let mut commands = String::new();
    for protocol in ["-t", "-u"] {
        commands += &format!("-A {protocol} {VIP}:{PORT} -s mh\n");
        for real in wire.reals() {
            commands += &format!("-a {protocol} {VIP}:{PORT} -r {real}:{PORT} -g -w 1\n");
        }
    }
    let file = "/tmp/ipvs";
    fs::write(file, commands)?;
    wire.director.run(Command::new("sh").args(["-c", &format!("ipvsadm -R < {file}")]))?;
    // No flow that was made before the rounds ends within them (TCP, TCP after FIN, UDP).
    wire.director.run(Command::new("ipvsadm").args(["--set", "7200", "120", "7200"]))?;
    wire.director.sysctls(IPVS_SETTINGS)?;
    Ok(Director { name: "IPVS", wire, notes: ipvs_notes, _program: Some(program), _agent: None })
}

/// Settings as the kernel shows them, and its tables.
fn ipvs_notes(wire: &Wire) -> Result<String> {
    let read = |key: &str| -> Result<String> {
        let path = Path::new("/proc/sys").join(key);
        let text = wire.director.enter(|| fs::read_to_string(&path))?;
        Ok(text.with_context(|| path.display().to_string())?.trim().to_owned())
    };
    let mut settings = Vec::new();
    for (key, _) in IPVS_SETTINGS {
        let name = key.rsplit('/').next().unwrap_or(key);
        settings.push(format!("{name}={}", read(key)?));
    }
    let table = wire.director.run(Command::new("ipvsadm").args(["-L", "-n"]))?;
    let connections = connections(&table);
    let least = connections.iter().min().context("ipvsadm lists no real server")?;
    Ok(format!(
        "native XDP hands every frame on (no GRO), gro_normal_batch={}, conn_tab_bits=20, mitigations=off,\n  {};\n  \
         {} connections at the end, {least} to {} a service and real server; nf_conntrack_count={}",
        STACK_BATCH.1,
        settings.join(", "),
        connections.iter().sum::<u64>(),
        connections.iter().max().unwrap_or(least),
        read("net/netfilter/nf_conntrack_count")?
    ))
}

/// Active and inactive connections of each real server, from what `ipvsadm -L -n` prints.
fn connections(table: &str) -> Vec<u64> {
    let reals = table.lines().filter_map(|line| line.trim().strip_prefix("-> "));
    // Address, forwarding method, weight, active, inactive. The header has names in their place.
    reals
        .filter_map(|line| {
            let mut figures = line.split_whitespace().skip(3).map(str::parse::<u64>);
            Some(figures.next()?.ok()? + figures.next()?.ok()?)
        })
        .collect()
}

/// `lb`, as `lb run` starts it.
pub(crate) fn lb() -> Result<Director> {
    let wire = Wire::lay("lb", 2)?;
    let folder = Path::new("/tmp/lb");
    fs::create_dir_all(folder.join("state")).context("/tmp/lb")?;
    let config = folder.join("lb.toml");
    fs::write(&config, lb_config(&wire, &folder.join("state"))).context("lb.toml")?;
    let mut lb = Command::new("lb");
    lb.arg("run").arg("--config").arg(&config);
    let mut agent = Process::spawn(&wire.director, &mut lb, &folder.join("lb.log"))?;
    let ready = || {
        UnixStream::connect(LB_SOCKET).is_ok()
            && lb_packets(&wire).is_ok_and(|reals| reals.len() == 2 * usize::from(REALS))
    };
    agent.wait_ready(READY_LIMIT, ready)?;
    Ok(Director { name: "lb", wire, notes: lb_notes, _program: None, _agent: Some(agent) })
}

fn lb_config(wire: &Wire, state: &Path) -> String {
    let mut text = format!(
        "[node]\nname = \"director\"\ninterface = \"{}\"\nxdp_mode = \"native\"\nsocket = \"{LB_SOCKET}\"\n\
         state_folder = {state:?}\n[[pool]]\nname = \"reals\"\nservers = [\n",
        wire.name
    );
    for (number, address) in wire.reals().enumerate() {
        text += &format!("  {{ name = \"real{number}\", address = \"{address}\" }},\n");
    }
    text += "]\n";
    for protocol in ["tcp", "udp"] {
        text += &format!(
            "[[service]]\nname = \"{protocol}\"\naddress = \"{VIP}\"\nports = [\"{protocol}/{PORT}\"]\n\
             pool = \"reals\"\n"
        );
    }
    text
}

fn lb_notes(wire: &Wire) -> Result<String> {
    let packets = lb_packets(wire)?;
    let (least, most) = (packets.iter().min().context("no real server")?, packets.iter().max());
    Ok(format!(
        "native XDP, configured by `lb run`; {} packets counted, {least} to {} a service and real server",
        packets.iter().sum::<u64>(),
        most.unwrap_or(least)
    ))
}

/// Packets of each real server of each service that has a share.
fn lb_packets(wire: &Wire) -> Result<Vec<u64>> {
    let answer =
        wire.director.run(Command::new("lb").args(["status", "--json", "--socket", LB_SOCKET]))?;
    let status: Status = serde_json::from_str(&answer).context("`lb status --json`")?;
    let reals = status.services.iter().flat_map(|service| &service.reals);
    Ok(reals.filter(|real| real.share > 0.0).map(|real| real.packets).collect())
}

/// The least that a director in XDP costs: it knows one real server and decides nothing.
pub(crate) fn mirror() -> Result<Director> {
    let wire = Wire::lay("mirror", 3)?;
    let program = attach(&wire.director, wire.name, &reflect())?;
    let notes = |_: &Wire| {
        Ok("an XDP program that writes MAC addresses and sends back: the floor of this testbed"
            .to_owned())
    };
    Ok(Director { name: "XDP, no decision", wire, notes, _program: Some(program), _agent: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_read_from_ipvsadms_table() {
        let table = "IP Virtual Server version 1.2.1 (size=1048576)\n\
                     Prot LocalAddress:Port Scheduler Flags\n\
                     \x20 -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
                     TCP  10.9.9.9:80 mh\n\
                     \x20 -> 10.8.1.11:80                 Route   1      12         3\n\
                     \x20 -> 10.8.1.12:80                 Route   1      0          0\n";
        assert_eq!(connections(table), [15, 0]);
    }
}
