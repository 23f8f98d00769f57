//! `cargo xtask bench lateness`: how late advertisements every 10 ms come to the other director while every CPU is
//! busy at normal priority and clients keep the proxy's worker at its limit, and while a configuration with 1,000 services is
//! read again and again.
//!
//! They are timed by the kernel, as they leave the master and as they come to the backup: that this program is late
//! itself does not count. Between the two lies this machine's network stack, whose kernel threads have normal priority
//! and wait for a CPU as the load does. What a thread of real-time priority that only sleeps has to wait at the same time
//! stands below.

mod arrivals;
mod busy;

mod witness;

use std::env;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use arrivals::{Arrivals, Late};
use busy::Busy;
use lb_tests::interrupt::Interrupt;
use lb_tests::lab::{Director, Families, INTERFACE, Lab, LbConfig, Topology, VIP4, VIP4_BUNDLE};
use lb_tests::load::{self, LoadHandle, Plan, Target};
use lb_userspace::api::VrrpStatus;
use witness::Witness;

const MASTER: &str = "director1";
const BACKUP: &str = "director2";
const INTERVAL: Duration = Duration::from_millis(10);
const SERVICES: u16 = 1_000;
/// The first port of the services: of every second configuration, all ports are others.
const PORTS: [u16; 2] = [10_000, 20_000];
/// Where the proxy listens, and clients that ask it without a pause.
const PROXY_PORT: u16 = 8080;
const CLIENTS: u32 = 16;
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The directors. Dropped in this order.
struct Stand {
    master: Director,
    backup: Director,
    lab: Lab,
    cpus: usize,
}

fn main() -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let seconds = option("--seconds").map_or(Ok(60), |number| number.parse());
    let time = Duration::from_secs(seconds.context("--seconds takes a number")?);
    let stand = Stand::up()?;
    println!(
        "Advertisements every {} ms, for {} s each; how late, in milliseconds.\n",
        INTERVAL.as_millis(),
        time.as_secs()
    );
    println!("{:<48}  {:>8}  median    99 %  99.9 %    most  changes of state", "", "times");
    stand.phase("nothing else", &interrupt, time.min(Duration::from_secs(10)), &mut || Ok(()))?;
    let (cpus, busy) = (stand.cpus, stand.cpus * 2);
    let load = Busy::start(busy);
    let clients = stand.clients()?;
    let busy = format!("{busy} threads busy on {cpus} CPUs, and the proxy");
    stand.phase(&busy, &interrupt, time, &mut || Ok(()))?;
    let (mut reloads, mut longest) = (0, Duration::ZERO);
    stand.phase(&format!("and {SERVICES} services reloaded"), &interrupt, time, &mut || {
        let begin = Instant::now();
        stand.reload(PORTS[(reloads + 1) % PORTS.len()])?;
        longest = longest.max(begin.elapsed());
        reloads += 1;
        Ok(())
    })?;
    drop(load);
    let report = clients.stop()?;
    let rate = report.requests() as f64 / report.elapsed.as_secs_f64();
    println!("\n{reloads} reloads; the longest took {:.1} s", longest.as_secs_f64());
    println!("the proxy answered {rate:.0} requests/s beside them; failed: {}", report.failed());
    Ok(())
}

impl Stand {
    fn up() -> Result<Self> {
        let topology =
            Topology::default().directors(2).reals(1).clients(1).families(Families::Ipv4);
        let lab = Lab::up(topology)?;
        let director = |node: &str, priority| -> Result<Director> {
            let mut director = Director::new(&lab, node)?;
            director.write_config(&config(&lab, &director, priority, PORTS[0]))?;
            director.start()?;
            Ok(director)
        };
        let (master, backup) = (director(MASTER, 150)?, director(BACKUP, 100)?);
        let cpus = std::thread::available_parallelism()?.get();
        let stand = Self { master, backup, lab, cpus };
        let begin = Instant::now();
        while instance(&stand.master)?.state != "master"
            || instance(&stand.backup)?.state != "backup"
        {
            ensure!(begin.elapsed() < READY_LIMIT, "the higher priority is not master");
            std::thread::sleep(INTERVAL);
        }
        Ok(stand)
    }

    /// Clients of the proxy, as fast as it answers.
    fn clients(&self) -> Result<LoadHandle> {
        let targets = vec![Target::new("proxy", (VIP4, PROXY_PORT))];
        let sources = self.lab.topology().client_addresses();
        let plan = Plan { threads: CLIENTS, keep_alive: true, ..Plan::new(targets, sources) };
        let client = self.lab.client();
        load::wait_answering(client, &plan, READY_LIMIT)?;
        load::start(client, plan)
    }

    /// Listens for so long, does `work` again and again meanwhile, and prints a line.
    fn phase(
        &self,
        what: &str,
        interrupt: &Interrupt,
        time: Duration,
        work: &mut dyn FnMut() -> Result<()>,
    ) -> Result<()> {
        let changes = || -> Result<usize> {
            Ok(instance(&self.master)?.transitions.len()
                + instance(&self.backup)?.transitions.len())
        };
        let before = changes()?;
        let master = self.lab.topology().find(MASTER).and_then(|node| node.ipv4).context("IPv4")?;
        let departures = Arrivals::listen(self.lab.namespace(MASTER), master)?;
        let arrivals = Arrivals::listen(self.lab.namespace(BACKUP), master)?;
        let witness = Witness::start(self.cpus, INTERVAL);
        let begin = Instant::now();
        while begin.elapsed() < time {
            ensure!(!interrupt.wait(INTERVAL), "interrupted");
            work()?;
        }
        let late = arrivals.stop()?.late(INTERVAL);
        let left = departures.stop()?.late(INTERVAL);
        println!("{what:<48}  {}  {}", columns(&left), changes()? - before);
        println!("{:<48}  {}", "  as they come to the backup", columns(&late));
        println!(
            "{:<48}  {}",
            "  a thread of real-time priority that only sleeps",
            columns(&witness.stop()?)
        );
        Ok(())
    }

    /// The master reads a configuration in which every service has another port.
    fn reload(&self, ports: u16) -> Result<()> {
        self.master.write_config(&config(&self.lab, &self.master, 150, ports))?;
        self.master.lb(&["reload"]).map(drop)
    }
}

fn columns(late: &Late) -> String {
    let millis = |part| format!("{:>6.2}", late.within(part).as_secs_f64() * 1e3);
    format!("{:>8}  {}", late.count(), [0.5, 0.99, 0.999, 1.0].map(millis).join("  "))
}

fn instance(director: &Director) -> Result<VrrpStatus> {
    let text = director.lb(&["vrrp", "--json"])?;
    let mut all: Vec<VrrpStatus> = serde_json::from_str(&text).context("`lb vrrp --json`")?;
    all.pop().context("no VRRP instance")
}

fn config(lab: &Lab, director: &Director, priority: u8, ports: u16) -> String {
    let mut config = LbConfig::new(lab.topology());
    config.check = String::new();
    config.more = format!(
        "\n[[vrrp]]\nname = \"shared\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
         priority = {priority}\naddresses = [\"{VIP4}\", \"{VIP4_BUNDLE}\"]\nadvert_interval = \"{}ms\"\n",
        INTERVAL.as_millis()
    );
    for number in 0..SERVICES {
        let _ = writeln!(
            config.more,
            "\n[[service]]\nname = \"n{number}\"\naddress = \"{VIP4}\"\nports = [\"tcp/{}\"]\n\
             mode = \"direct-routing\"\npool = \"web4\"",
            ports + number
        );
    }
    let real = lab.topology().find("real1").and_then(|node| node.ipv4);
    if let Some(real) = real {
        let _ = write!(
            config.more,
            "\n[[pool]]\nname = \"app\"\nservers = [{{ name = \"real1\", address = \"{real}:80\" }}]\n\
             [[service]]\nname = \"proxied\"\naddress = \"{VIP4}\"\nports = [\"tcp/{PROXY_PORT}\"]\n\
             mode = \"http\"\npool = \"app\"\n"
        );
    }
    config.to_toml(lab.topology(), &director.paths)
}
