//! One wire: a director's namespace, and its peer in the generator's, where clients and real servers are.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, ensure};
use aya::{
    Ebpf, EbpfLoader,
    programs::{Xdp, xdp::XdpMode},
};
use lb_tests::lab::{Namespace, XDP_PROGRAM, xdp_object};

use crate::traffic::{MAC_OF_DIRECTOR, MAC_OF_PEERS, sink};

/// The namespace of clients and real servers.
const GENERATOR: &str = "generator";
/// Real servers behind each director.
pub(crate) const REALS: u8 = 8;

/// A veth pair between the generator's namespace and one of a director.
pub(crate) struct Wire {
    /// The director's name: that of its namespace, its interface and its end of the wire.
    pub(crate) name: &'static str,
    pub(crate) generator: Namespace,
    pub(crate) director: Namespace,
    /// The subnet's third byte.
    subnet: u8,
    /// Holds the sink.
    _sink: Ebpf,
}

impl Wire {
    /// Lays the `number`th wire.
    pub(crate) fn lay(name: &'static str, number: u8) -> Result<Self> {
        let generator = match Namespace::open(GENERATOR) {
            Ok(there) => there,
            Err(_) => add_namespace(GENERATOR)?,
        };
        let director = add_namespace(name)?;
        let peer = peer(name);
        generator.ip_batch(&format!(
            "link set lo up\n\
             link add {peer} address {} type veth peer name {name} address {} netns {name}\n\
             link set {peer} up\n",
            mac(MAC_OF_PEERS),
            mac(MAC_OF_DIRECTOR)
        ))?;
        for real in 1..=REALS {
            generator
                .ip_batch(&format!("address add 10.8.{number}.{}/24 dev {peer}\n", 10 + real))?;
        }
        director.sysctls(&[
            ("net/ipv4/conf/all/rp_filter", "0"),
            (&format!("net/ipv4/conf/{name}/rp_filter"), "0"),
        ])?;
        // Clients are behind the peer; a director never answers them.
        director.ip_batch(&format!(
            "link set lo up\nlink set {name} up\n\
             address add 10.8.{number}.1/24 dev {name}\n\
             route add 10.64.0.0/10 via 10.8.{number}.11\n"
        ))?;
        let sink = attach(&generator, &peer, &sink())?;
        Ok(Self { name, generator, director, subnet: number, _sink: sink })
    }

    /// The addresses of the real servers.
    pub(crate) fn reals(&self) -> impl Iterator<Item = String> {
        let subnet = self.subnet;
        (1..=REALS).map(move |real| format!("10.8.{subnet}.{}", 10 + real))
    }

    /// Makes the VIP an address of the director.
    pub(crate) fn add_vip(&self, vip: Ipv4Addr) -> Result<()> {
        self.director.ip_batch(&format!("address add {vip}/32 dev {}\n", self.name))
    }

    /// Gives the polling of both ends threads of their own, whose CPU time the kernel counts. They go
    /// before everything else, so that a burst has passed whole when the next one is made.
    pub(crate) fn poll_in_threads(&self) -> Result<()> {
        let peer = peer(self.name);
        for (namespace, interface) in [(&self.generator, &*peer), (&self.director, self.name)] {
            // `ip netns exec` shows the interfaces of the namespace in /sys.
            let threaded = format!("echo 1 > /sys/class/net/{interface}/threaded");
            let mut ip = Command::new("ip");
            ip.args(["netns", "exec", namespace.name(), "sh", "-c", &threaded]);
            namespace.run(&mut ip)?;
            let id = polling_thread(interface)?.to_string();
            namespace.run(Command::new("chrt").args(["-f", "-p", "50", &id]))?;
        }
        Ok(())
    }

    /// The CPU time that the director has used for packets.
    pub(crate) fn directors_cpu(&self) -> Result<Duration> {
        cpu_time(&polling_thread(self.name)?.to_string())
    }

    /// The CPU time that the real servers have used for packets.
    pub(crate) fn reals_cpu(&self) -> Result<Duration> {
        cpu_time(&polling_thread(&peer(self.name))?.to_string())
    }

    /// Forwarded packets that have reached a real server.
    pub(crate) fn arrived(&self) -> Result<u64> {
        let peer = peer(self.name);
        let text = self.generator.run(Command::new("ethtool").args(["-S", &peer]))?;
        drops_in_xdp(&text)
            .with_context(|| format!("`ethtool -S {peer}` counts no xdp_drops:\n{text}"))
    }

    /// The number of the generator's end.
    pub(crate) fn peer_index(&self) -> Result<u32> {
        let peer = peer(self.name);
        let index = self.generator.enter(|| nix::net::if_::if_nametoindex(&*peer))?;
        index.with_context(|| format!("there is no interface {peer}"))
    }
}

/// Loads a program and attaches it in native mode; it stays as long as the returned value.
pub(crate) fn attach(namespace: &Namespace, interface: &str, code: &[u8]) -> Result<Ebpf> {
    let mut object = load(code)?;
    let attached = namespace
        .enter(|| program(&mut object)?.attach(interface, XdpMode::Driver).map_err(Error::from))?;
    attached.with_context(|| format!("attaching a program to {interface}"))?;
    Ok(object)
}

/// Loads a program.
pub(crate) fn load(code: &[u8]) -> Result<Ebpf> {
    // Types, which take long to read, are for programs that look into the kernel's structures.
    let object = EbpfLoader::new().btf(None).load(&xdp_object(code));
    let mut object = object.context("reading our own object")?;
    program(&mut object)?.load().context("loading a program")?;
    Ok(object)
}

/// The program of an object that was loaded here.
pub(crate) fn program(object: &mut Ebpf) -> Result<&mut Xdp> {
    let program = object.program_mut(XDP_PROGRAM).context("our own object has no program")?;
    Ok(program.try_into()?)
}

fn add_namespace(name: &str) -> Result<Namespace> {
    let status =
        Command::new("ip").args(["netns", "add", name]).status().context("cannot start ip")?;
    ensure!(status.success(), "`ip netns add {name}`: {status}");
    Namespace::open(name)
}

/// The generator's end of a director's wire.
fn peer(name: &str) -> String {
    format!("to-{name}")
}

fn mac([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// The kernel's thread that polls an interface.
fn polling_thread(interface: &str) -> Result<u32> {
    let name = format!("napi/{interface}-");
    let is_it = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|comm| comm.starts_with(&name))
    };
    let mut ids =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.find(is_it).with_context(|| format!("no thread polls {interface}"))
}

/// The CPU time of a thread of this name in /proc, as the scheduler accounts for it.
pub(crate) fn cpu_time(thread: &str) -> Result<Duration> {
    let path = format!("/proc/{thread}/schedstat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    time_on_cpu(&text).with_context(|| format!("{path} holds {text:?}"))
}

/// The first of the three figures in a `schedstat`, in nanoseconds.
fn time_on_cpu(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// From what `ethtool -S` prints for a veth: packets that its XDP program has dropped, over all queues.
fn drops_in_xdp(statistics: &str) -> Option<u64> {
    let counters = statistics.lines().filter_map(|line| line.trim().split_once(": "));
    let drops =
        counters.filter(|(name, _)| name.starts_with("rx_queue_") && name.ends_with("_xdp_drops"));
    let figures: Vec<u64> = drops.map(|(_, figure)| figure.parse().ok()).collect::<Option<_>>()?;
    (!figures.is_empty()).then(|| figures.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_is_the_first_figure() {
        assert_eq!(time_on_cpu("1500 77 3\n"), Some(Duration::from_nanos(1_500)));
        assert_eq!(time_on_cpu(""), None);
    }

    #[test]
    fn drops_are_added_over_the_queues() {
        let text = "NIC statistics:\n     peer_ifindex: 2\n     rx_queue_0_xdp_packets: 10\n     \
                    rx_queue_0_drops: 4\n     rx_queue_0_xdp_drops: 7\n     rx_queue_1_xdp_drops: 2\n     \
                    rx_queue_0_xdp_drops_err: 1\n";
        assert_eq!(drops_in_xdp(text), Some(9));
        assert_eq!(drops_in_xdp("NIC statistics:\n     peer_ifindex: 2\n"), None);
    }
}
