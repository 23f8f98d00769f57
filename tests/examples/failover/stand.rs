//! Two directors of one product, the way in which the master goes, and what a client sees of it.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lb_tests::arp;
use lb_tests::lab::{
    Director, Families, INTERFACE, Keepalived, Lab, LbConfig, PacketSocket, Topology, VIP4,
    VIP4_BUNDLE,
};
use lb_tests::outage::{self, Answerer, Client};
use nix::sys::signal::Signal;

const MASTER: &str = "director1";
const BACKUP: &str = "director2";
const PRIORITIES: [u8; 2] = [150, 100];
/// Longer than anything that is awaited takes.
const LIMIT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(5);
/// How long the client goes on asking when all is over.
const AFTERWARDS: Duration = Duration::from_millis(100);
const IPV4: u16 = 0x0800;
/// In an Ethernet frame, without VLANs: the IP protocol, and the source.
const PROTOCOL_AT: usize = 23;
const SOURCE_AT: std::ops::Range<usize> = 26..30;
const VRRP: u8 = 112;

/// Who is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Product {
    Lb,
    Keepalived,
}

impl Product {
    pub(crate) const ALL: [Self; 2] = [Self::Lb, Self::Keepalived];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lb => "lb",
            Self::Keepalived => "keepalived",
        }
    }
}

/// How the master goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Case {
    Cut,
    Killed,
    Frozen,
    Ended,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [Self::Cut, Self::Killed, Self::Frozen, Self::Ended];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Cut => "link cut",
            Self::Killed => "agent killed",
            Self::Frozen => "agent stopped (SIGSTOP)",
            Self::Ended => "graceful stop",
        }
    }
}

/// What became of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The longest time without an answer.
    pub(crate) outage: Duration,
    /// From the event to the first question that the other director has answered.
    pub(crate) moved: Duration,
    /// Hosts that answer ARP for the VIP afterwards.
    pub(crate) hosts: usize,
}

enum Daemon {
    Lb(Director),
    Keepalived { daemon: Keepalived, config: String },
}

impl Daemon {
    fn start(&mut self) -> Result<()> {
        match self {
            Self::Lb(director) => director.start(),
            Self::Keepalived { daemon, config } => daemon.start(config),
        }
    }

    fn kill9(&mut self) -> Result<()> {
        match self {
            Self::Lb(director) => director.kill9(),
            Self::Keepalived { daemon, .. } => daemon.kill9(),
        }
    }

    fn terminate(&mut self) -> Result<()> {
        match self {
            Self::Lb(director) => director.terminate().map(drop),
            Self::Keepalived { daemon, .. } => daemon.terminate(LIMIT).map(drop),
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match self {
            Self::Lb(director) => director.signal(signal),
            Self::Keepalived { daemon, .. } => daemon.signal(signal),
        }
    }
}

/// A lab with its directors at work. Dropped in this order.
pub(crate) struct Stand {
    pub(crate) case: Case,
    pub(crate) product: Product,
    master: Daemon,
    _backup: Daemon,
    _answerers: [Answerer; 2],
    lab: Lab,
}

impl Stand {
    /// Raises it, and waits until the higher priority has the VIP.
    pub(crate) fn up(case: Case, product: Product, interval: Duration) -> Result<Self> {
        let topology = Topology::default().directors(2).clients(1).families(Families::Ipv4);
        let lab = Lab::up(topology.reals(if product == Product::Lb { 1 } else { 0 }))?;
        let daemon = |number: usize| -> Result<Daemon> {
            let (node, priority) = ([MASTER, BACKUP][number], PRIORITIES[number]);
            let mut daemon = match product {
                Product::Lb => lb(&lab, node, priority, interval)?,
                Product::Keepalived => Daemon::Keepalived {
                    daemon: Keepalived::new(&lab, node)?,
                    config: keepalived(priority, interval),
                },
            };
            daemon.start().with_context(|| format!("{} in {node}", product.name()))?;
            Ok(daemon)
        };
        let (master, backup) = (daemon(0)?, daemon(1)?);
        let answerers = [
            Answerer::start(lab.namespace(MASTER), 1)?,
            Answerer::start(lab.namespace(BACKUP), 2)?,
        ];
        let stand = Self { case, product, master, _backup: backup, _answerers: answerers, lab };
        stand.ready()?;
        Ok(stand)
    }

    /// One run: the master goes at `phase` after an advertisement of its own. Then everything is as before.
    pub(crate) fn run(&mut self, phase: Duration) -> Result<Run> {
        let client = Client::start(self.lab.client(), VIP4)?;
        client.await_answers_by(1, LIMIT)?;
        self.await_advertisement()?;
        thread::sleep(phase);
        let event = Instant::now();
        self.strike()?;
        self.until("the other director has the VIP", || self.has(BACKUP))?;
        client.await_answers_by(2, LIMIT)?;
        let hosts = arp::answers(self.lab.client(), VIP4)?.len();
        thread::sleep(AFTERWARDS);
        let asked = client.stop()?;
        self.restore().context("bringing the master back")?;
        self.ready()?;
        Ok(Run {
            outage: outage::longest(&asked),
            moved: outage::moved(&asked, event, 2).context("the VIP has not moved")?,
            hosts,
        })
    }

    fn strike(&mut self) -> Result<()> {
        match self.case {
            Case::Cut => self.link("down"),
            Case::Killed => self.master.kill9(),
            Case::Frozen => self.master.signal(Signal::SIGSTOP),
            Case::Ended => self.master.terminate(),
        }
    }

    fn restore(&mut self) -> Result<()> {
        match self.case {
            Case::Cut => self.link("up"),
            Case::Frozen => self.master.signal(Signal::SIGCONT),
            Case::Killed | Case::Ended => self.master.start(),
        }
    }

    fn link(&self, state: &str) -> Result<()> {
        self.lab.namespace("switch").ip_batch(&format!("link set {MASTER} {state}\n"))
    }

    fn ready(&self) -> Result<()> {
        self.until("the higher priority alone has the VIP", || {
            Ok(self.has(MASTER)? && !self.has(BACKUP)?)
        })
    }

    fn has(&self, node: &str) -> Result<bool> {
        self.lab.namespace(node).has(VIP4.into())
    }

    fn until(&self, what: &str, so: impl Fn() -> Result<bool>) -> Result<()> {
        let begin = Instant::now();
        while !so()? {
            if begin.elapsed() > LIMIT {
                bail!(
                    "{}, {}: not so after {LIMIT:?}: {what}",
                    self.product.name(),
                    self.case.words()
                );
            }
            thread::sleep(RETRY_PAUSE);
        }
        Ok(())
    }

    fn await_advertisement(&self) -> Result<()> {
        let socket = PacketSocket::open(self.lab.client(), IPV4)?;
        let master = address(&self.lab, MASTER)?.octets();
        let deadline = Instant::now() + LIMIT;
        while let Some(frame) = socket.next(deadline)? {
            let bytes = &frame.bytes;
            if bytes.get(PROTOCOL_AT) == Some(&VRRP) && bytes.get(SOURCE_AT) == Some(&master[..]) {
                return Ok(());
            }
        }
        bail!("{}: no advertisement from the master after {LIMIT:?}", self.product.name())
    }
}

fn address(lab: &Lab, node: &str) -> Result<Ipv4Addr> {
    lab.topology().find(node).and_then(|node| node.ipv4).with_context(|| format!("no {node}"))
}

fn lb(lab: &Lab, node: &str, priority: u8, interval: Duration) -> Result<Daemon> {
    let mut config = LbConfig::new(lab.topology());
    config.check = String::new();
    config.more = format!(
        "\n[[vrrp]]\nname = \"shared\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
         priority = {priority}\naddresses = [\"{VIP4}\", \"{VIP4_BUNDLE}\"]\nadvert_interval = \"{}ms\"\n",
        interval.as_millis()
    );
    config.write(lab, node)?;
    Ok(Daemon::Lb(Director::new(lab, node)?))
}

fn keepalived(priority: u8, interval: Duration) -> String {
    let vips: Vec<IpAddr> = vec![VIP4.into(), VIP4_BUNDLE.into()];
    let vips: String = vips.iter().map(|vip| format!("    {vip}/32\n")).collect();
    format!(
        "vrrp_instance shared {{\n  version 3\n  interface {INTERFACE}\n  virtual_router_id 51\n  \
         priority {priority}\n  advert_int {}\n  virtual_ipaddress {{\n{vips}  }}\n}}\n",
        interval.as_secs_f64()
    )
}
