//! `cargo xtask bench health`: from the first check that a real server does not answer any more to the ring without it,
//! beside what settings allow for: (fall − 1) intervals and one timeout.
//!
//! The real server drops what it would send to the director by TCP, and goes on answering ARP. When a check came in is
//! what the kernel of the real server says; when the ring is another one, what the director says when it is asked, again
//! and again: the question's own time is part of the figures.

mod checks;

use std::{
    env, thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use checks::Checks;
use lb_tests::{
    interrupt::Interrupt,
    lab::{Director, Families, Lab, LbConfig, Topology},
};
use lb_userspace::{api::Status, cli::client::Client};

const DIRECTOR: &str = "director1";
const VICTIM: &str = "real2";
const POOL: &str = "web4";
/// From question to question.
const PAUSE: Duration = Duration::from_micros(500);
const LIMIT: Duration = Duration::from_secs(20);
/// What is promised beyond what the settings allow for.
const PROMISED: Duration = Duration::from_millis(10);

/// How servers are checked: milliseconds, and failures in a row.
struct Case {
    interval: u64,
    timeout: u64,
    fall: u64,
}

const CASES: [Case; 3] = [
    Case { interval: 100, timeout: 50, fall: 3 },
    Case { interval: 500, timeout: 100, fall: 2 },
    Case { interval: 1_000, timeout: 300, fall: 1 },
];

fn main() -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let runs: u32 = option("--runs")
        .map_or(Ok(10), |number| number.parse())
        .context("--runs takes a number")?;
    ensure!(runs > 0, "--runs takes a number above 0");
    println!(
        "From the first check without an answer to the ring without its real server; {runs} runs a line."
    );
    println!("Milliseconds: least / median / most.\n");
    println!("interval  timeout  fall  allowed for                    took  beyond that");
    for case in CASES {
        case.measure(runs, &interrupt)?;
    }
    Ok(())
}

impl Case {
    /// (fall − 1) intervals and one timeout.
    fn allowed(&self) -> Duration {
        Duration::from_millis((self.fall - 1) * self.interval + self.timeout)
    }

    fn measure(&self, runs: u32, interrupt: &Interrupt) -> Result<()> {
        let lab = Lab::up(Topology::default().reals(2).clients(1).families(Families::Ipv4))?;
        let Self { interval, timeout, fall } = self;
        let mut config = LbConfig::new(lab.topology());
        config.check = format!(
            "{{ type = \"tcp\", interval = \"{interval}ms\", timeout = \"{timeout}ms\", rise = 1, fall = {fall} }}"
        );
        config.write(&lab, DIRECTOR)?;
        let mut director = Director::new(&lab, DIRECTOR)?;
        director.start()?;
        let mut took = Vec::new();
        for run in 0..runs {
            until(&director, |share| share > 0.0)?;
            // Spread over the interval.
            let phase = Duration::from_millis(*interval) * (run + runs) / runs;
            ensure!(!interrupt.wait(phase), "interrupted");
            took.push(out_of_the_ring(&lab, &director)?);
        }
        took.sort_unstable();
        let allowed = self.allowed();
        let beyond: Vec<_> = took.iter().map(|took| took.saturating_sub(allowed)).collect();
        let kept = beyond.last().is_some_and(|most| *most <= PROMISED);
        println!(
            "{interval:>8}  {timeout:>7}  {fall:>4}  {:>11}  {}  {}{}",
            allowed.as_millis(),
            show(&took),
            show(&beyond),
            if kept { "" } else { "  more than 10" }
        );
        Ok(())
    }
}

/// Cuts a real server off, and tells how long it was in the ring after its first check without an answer.
fn out_of_the_ring(lab: &Lab, director: &Director) -> Result<Duration> {
    let address = lab.topology().find(DIRECTOR).and_then(|node| node.ipv4).context("IPv4")?;
    let victim = lab.namespace(VICTIM);
    let checks = Checks::listen(victim, address)?;
    let rule = format!("to {address}/32 ipproto tcp blackhole");
    victim.ip_batch(&format!("rule add {rule}\n"))?;
    let out = until(director, |share| share == 0.0);
    let first = checks.stop()?.first_without_answer();
    victim.ip_batch(&format!("rule del {rule}\n"))?;
    Ok(out?.saturating_sub(first.context("every check was answered")?))
}

/// Waits until the victim's part of the ring is so. Returns when that was found (since 1970).
fn until(director: &Director, so: impl Fn(f64) -> bool) -> Result<Duration> {
    let client = Client::new(director.paths.socket.clone());
    let begin = Instant::now();
    loop {
        let status: Status = client.get("/v1/status")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let pool =
            status.pools.iter().find(|pool| pool.name.as_str() == POOL).context("the pool")?;
        let mut servers = pool.servers.iter();
        let victim = servers.find(|server| server.name.as_str() == VICTIM).context("the server")?;
        if so(victim.share) {
            return Ok(now);
        }
        ensure!(begin.elapsed() < LIMIT, "{VICTIM} is {} for {LIMIT:?}", victim.state);
        thread::sleep(PAUSE);
    }
}

fn show(sorted: &[Duration]) -> String {
    let of = |index: usize| sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (last, middle) = (sorted.len() - 1, sorted.len() / 2);
    format!("{:>6.1} / {:>6.1} / {:>6.1}", of(0), of(middle), of(last))
}
