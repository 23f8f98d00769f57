//! lb or HAProxy with so many real servers to check.

use std::{
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use lb_tests::{
    interrupt::Interrupt,
    lab::{Director, Families, Lab, LbConfig, Process, Topology, VIP4_BUNDLE},
};

use crate::{
    INTERVAL,
    usage::{self, Usage},
};

const DIRECTOR: &str = "director1";
const REAL: &str = "real1";
/// So many addresses the real servers' network has.
pub(crate) const MOST: u32 = 50_000;
const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 0);
/// Real servers of a pool.
const POOL: u32 = 1_000;
/// Until every real server was checked often enough to be up.
const WARM_UP: Duration = INTERVAL.saturating_mul(4);
/// From one look at the sockets to the next.
const SAMPLE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Product {
    Lb,
    HaProxy,
}

/// How real servers are asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Tcp,
    Http,
}

/// One at work. Dropped in this order.
pub(crate) struct Running {
    daemon: Daemon,
    lab: Lab,
}

enum Daemon {
    Lb(Box<Director>),
    HaProxy(Process),
}

impl Product {
    pub(crate) const ALL: [Self; 2] = [Self::Lb, Self::HaProxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lb => "lb",
            Self::HaProxy => "HAProxy",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Tcp, Self::Http];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http => "http",
        }
    }
}

impl Running {
    pub(crate) fn start(product: Product, kind: Kind, servers: u32) -> Result<Self> {
        let lab = Lab::up(Topology::default().reals(1).clients(1).families(Families::Ipv4))?;
        let real = lab.topology().find(REAL).and_then(|node| node.ipv4).context("IPv4")?;
        lab.namespace(REAL).ip_batch(&format!("route add local {NETWORK}/16 dev lo\n"))?;
        lab.namespace(DIRECTOR).ip_batch(&format!("route add {NETWORK}/16 via {real}\n"))?;
        let daemon = match product {
            Product::Lb => {
                let mut director = Director::new(&lab, DIRECTOR)?;
                director.write_config(&lb_config(&lab, &director, kind, servers))?;
                director.start()?;
                Daemon::Lb(Box::new(director))
            }
            Product::HaProxy => {
                let file = lab.folder().join("haproxy.cfg");
                fs::write(&file, haproxy_config(kind, servers))?;
                let mut command = Command::new("haproxy");
                command.arg("-db").arg("-f").arg(&file);
                let log = lab.folder().join("haproxy.log");
                Daemon::HaProxy(Process::spawn(lab.namespace(DIRECTOR), &mut command, &log)?)
            }
        };
        Ok(Self { daemon, lab })
    }

    /// What it uses in so much time, once all real servers are up.
    pub(crate) fn measure(&mut self, time: Duration, interrupt: &Interrupt) -> Result<Usage> {
        ensure!(!interrupt.wait(WARM_UP), "interrupted");
        let first = match &mut self.daemon {
            Daemon::Lb(director) => director.id().context("lb has ended")?,
            Daemon::HaProxy(process) => {
                ensure!(process.ended()?.is_none(), "HAProxy has ended: {}", process.log_tail());
                process.id()
            }
        };
        let family = usage::family(first);
        let cpu = || family.iter().map(|id| usage::cpu(*id)).sum::<Result<Duration>>();
        let host = self.lab.namespace(DIRECTOR);
        let (begin, cpu_before, before) = (Instant::now(), cpu()?, usage::connections(host)?);
        let mut sockets = 0;
        while begin.elapsed() < time {
            ensure!(!interrupt.wait(SAMPLE), "interrupted");
            sockets = sockets.max(family.iter().map(|id| usage::sockets(*id)).sum());
        }
        let usage = Usage {
            time: begin.elapsed(),
            cpu: cpu()?.saturating_sub(cpu_before),
            checks: usage::connections(host)?.saturating_sub(before),
            memory: family.iter().map(|id| usage::memory(*id)).sum::<Result<u64>>()?,
            sockets,
        };
        Ok(usage)
    }
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(NETWORK.to_bits() + 256 + number)
}

fn lb_config(lab: &Lab, director: &Director, kind: Kind, servers: u32) -> String {
    let mut config = LbConfig::new(lab.topology());
    config.check = String::new();
    let more = &mut config.more;
    for first in (0..servers).step_by(POOL as usize) {
        let (number, seconds) = (first / POOL, INTERVAL.as_secs());
        let _ = writeln!(
            more,
            "\n[[pool]]\nname = \"p{number}\"\ncheck = {{ type = \"{}\", port = 80, \
             interval = \"{seconds}s\", timeout = \"1s\" }}\nservers = [",
            kind.name()
        );
        for server in first..(first + POOL).min(servers) {
            let address = address(server);
            let _ = writeln!(more, "  {{ name = \"s{server}\", address = \"{address}\" }},");
        }
        let _ = writeln!(
            more,
            "]\n\n[[service]]\nname = \"p{number}\"\naddress = \"{VIP4_BUNDLE}\"\n\
             ports = [\"tcp/{}\"]\nmode = \"tunnel\"\npool = \"p{number}\"",
            10_000 + number
        );
    }
    config.to_toml(lab.topology(), &director.paths)
}

fn haproxy_config(kind: Kind, servers: u32) -> String {
    let check = match kind {
        Kind::Tcp => "",
        Kind::Http => "  option httpchk GET /\n",
    };
    let mut text = format!(
        "global\n  nbthread 1\n  maxconn 1000\n\ndefaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1m\n  \
         timeout server 1m\n  timeout check 1s\n  default-server check inter {}s\n",
        INTERVAL.as_secs()
    );
    for first in (0..servers).step_by(POOL as usize) {
        let number = first / POOL;
        let _ = writeln!(
            text,
            "\nlisten p{number}\n  bind {VIP4_BUNDLE}:{} transparent\n{check}",
            10_000 + number
        );
        for server in first..(first + POOL).min(servers) {
            let _ = writeln!(text, "  server s{server} {}:80", address(server));
        }
    }
    text
}
