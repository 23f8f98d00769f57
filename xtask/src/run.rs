//! `cargo xtask run`: `lb` at work, in a lab of its own or on this host.

mod directors;
mod screen;
mod table;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use lb_tests::interrupt::Interrupt;
use lb_tests::lab::{Director, Lab, Status, Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_tests::load::{self, LoadHandle, Plan, Target};

use crate::cmd::{is_root, step};
use crate::lab::again_as_root;
use crate::setup::{self, Group};
use crate::{build, workspace};
use directors::Directors;
use screen::Screen;

const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const RING_LIMIT: Duration = Duration::from_secs(10);
/// Leaves the machine some room: two threads still send about two thousand requests a second.
const PAUSE: Duration = Duration::from_micros(500);
const REFRESH: Duration = Duration::from_secs(1);

/// Arguments of `cargo xtask run`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run on this host with this configuration, instead of in a lab
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// With --config: the interfaces to attach to, instead of those in the file
    #[arg(long, requires = "config", value_name = "NAME")]
    interface: Vec<String>,

    /// Two directors that share the VIPs by VRRP, or one alone
    #[arg(long, default_value_t = 2, conflicts_with = "config", value_parser = clap::value_parser!(u8).range(1..=2))]
    directors: u8,

    /// End after this time, such as 20s or 2m; exit 1 if any request failed
    #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "config")]
    time: Option<Duration>,

    /// Everything is built: only run
    #[arg(long, hide = true)]
    prebuilt: bool,
}

pub(crate) fn main(args: Args) -> Result<()> {
    let Args { config, interface, directors, time, prebuilt } = args;
    if !prebuilt {
        setup::ensure(&[Group::Build, Group::Lab])?;
        step("Building lb", || build::lb(true))?;
    }
    let binary = workspace::lb_binary(true)?;
    if let Some(config) = config {
        return Err(on_this_host(&binary, &config, &interface));
    }
    if !is_root() {
        let mut words: Vec<OsString> =
            ["run", "--prebuilt", "--directors"].map(OsString::from).into();
        words.push(directors.to_string().into());
        if let Some(time) = time {
            words.extend(["--for".into(), format!("{}ms", time.as_millis()).into()]);
        }
        return Err(again_as_root(words));
    }
    in_the_lab(&binary, directors, time)
}

/// Becomes `lb run`, by sudo where needed. Only a failure comes back.
fn on_this_host(binary: &Path, config: &Path, interfaces: &[String]) -> anyhow::Error {
    let mut command = if is_root() {
        Command::new(binary)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("--").arg(binary);
        sudo
    };
    command.arg("run").arg("--config").arg(config);
    for interface in interfaces {
        command.arg("--interface").arg(interface);
    }
    eprintln!("Running {command:?}");
    let error = command.exec();
    anyhow::Error::new(error).context("cannot start lb")
}

fn in_the_lab(binary: &Path, directors: u8, time: Option<Duration>) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let who = if directors == 1 { "a director" } else { "two directors" };
    let lab =
        step(&format!("Raising the lab: a client, {who}, two web servers, a switch"), || {
            Lab::up(Topology::default().directors(directors))
        })?;
    let directors = step(&format!("Starting lb in {who}"), || {
        Directors::start(&lab, binary, usize::from(directors))
    })?;
    let outcome = show(&lab, &directors, binary, &interrupt, time);
    let removed = step("Removing everything", || {
        let ended = directors.end();
        drop(lab);
        ended
    });
    outcome.and(removed)
}

/// The load, until the time is up or the person presses Ctrl-C.
fn show(
    lab: &Lab,
    directors: &Directors,
    binary: &Path,
    interrupt: &Interrupt,
    time: Option<Duration>,
) -> Result<()> {
    let plan = plan(lab.topology());
    step("Waiting for an answer of each service", || {
        directors.iter().for_each(wait_in_ring);
        load::wait_answering(lab.client(), &plan, ANSWER_LIMIT)
    })?;
    let load = load::start(lab.client(), plan)?;
    let deadline = time.map(|time| Instant::now() + time);
    let mut screen = Screen::new(hints(lab, directors, binary));
    let mut status = Status::default();
    let mut stop = false;
    while !stop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        stop = interrupt.wait(left.map_or(REFRESH, |left| left.min(REFRESH)));
        stop |= left.is_some_and(|left| left.is_zero()) || load.finished();
        if !stop {
            // The agent may be away for a moment, by the person's own doing: the last counters stand.
            status = directors.status().unwrap_or(status);
            screen.draw(&load.snapshot(), &status, &directors.master(), deadline.is_none())?;
        }
    }
    finish(load, directors, &status, &mut screen)
}

fn finish(
    load: LoadHandle,
    directors: &Directors,
    last: &Status,
    screen: &mut Screen,
) -> Result<()> {
    let report = load.stop()?;
    let status = directors.status().unwrap_or_else(|_| last.clone());
    screen.clear()?;
    println!("{}", table::render(&report, &status));
    println!("{}", table::summary(&report));
    println!("{}", directors.master());
    ensure!(report.requests() > 0, "no request was answered");
    if report.failed() > 0 {
        bail!("{} requests failed:\n{}", report.failed(), report.failures());
    }
    Ok(())
}

fn plan(topology: &Topology) -> Plan {
    let targets = vec![
        Target::new("web4", (VIP4, 80)),
        Target::new("web6", (VIP6, 80)),
        Target::new("bundle", (VIP4_BUNDLE, 80)),
        Target::new("bundle", (VIP4_BUNDLE, 443)),
    ];
    Plan { pause: PAUSE, ..Plan::new(targets, topology.client_addresses()) }
}

/// Waits until every real server has its part of the ring, so that the shares mean something.
fn wait_in_ring(director: &Director) {
    let in_ring = |status: &Status| {
        let mut reals = status.services.iter().flat_map(|service| &service.reals);
        reals.all(|real| real.share > 0.0)
    };
    if let Err(error) = director.wait_until("all real servers in the ring", RING_LIMIT, in_ring) {
        eprintln!("  {error:#}");
    }
}

fn hints(lab: &Lab, directors: &Directors, binary: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let lb = binary.strip_prefix(here).unwrap_or(binary).display();
    let sockets: Vec<_> = directors.iter().map(|one| one.paths.socket.display()).collect();
    let client = lab.client().name();
    let mut text = "Try in another terminal, as root:\n".to_owned();
    if let Some(socket) = sockets.first() {
        text += &format!(
            "  {lb} backend drain web4/real1 --socket {socket}\n    \
             real1 gets no new connections; `ready` brings it back, and nothing fails\n  \
             {lb} trace tcp 10.100.0.5:4711 10.8.8.40:80 --socket {socket}\n    \
             where this packet would go, and why\n"
        );
    }
    if let [first, second] = sockets.as_slice() {
        text += &format!(
            "  {lb} vrrp release site --socket {first}\n    \
             gives the VIPs to the other director; `take` takes them back\n  \
             {lb} vrrp --socket {second}\n    \
             how the other one sees it\n"
        );
    }
    text += &directors.hints().unwrap_or_default();
    text + &format!(
        "  nsenter --net=/run/netns/{client} curl -s http://10.8.8.40/\n    \
         a request of your own\n\
         Ctrl-C ends it and removes everything.\n"
    )
}

/// `20s`, `2m`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "a number with a unit, such as 20s".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(format!("the unit must be ms, s or m, not {unit:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert!(duration("20").is_err());
        assert!(duration("s").is_err());
    }
}
