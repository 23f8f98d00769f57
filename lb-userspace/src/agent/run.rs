//! `lb run`: the agent's loop.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{sleep, sleep_until},
};
use tracing::{error, info, warn};

use super::{
    addresses::Addresses,
    capture::{self, Capture},
    checks_here,
    cluster::{self, Cluster},
    control::{self, Command},
    dataplane::{Attached, Links, Pins},
    descriptors,
    director::Director,
    hooks::Hooks,
    neighbour::{Key, Neighbours, Update},
    netlink::Netlink,
    notify::Notifier,
    passages::Passages,
    prober::{self, Prober},
    proxied::{Listeners, Proxied},
    supervised::{Parts, Supervised},
    sysctl::Raised,
    track::Trackers,
    virtual_macs::VirtualMacs,
    vrrp::Vrrp,
};
use crate::{
    cluster::SealKey,
    config::Parsed,
    ipc::Packets,
    model::{InterfaceName, Name},
    proxy::Suspect,
    sandbox,
};

/// How often the maps are read and compared with what they should hold.
const RECONCILE: Duration = Duration::from_secs(30);
/// How long the start waits for next hops before it opens the control socket all the same.
const FIRST_HOPS: Duration = Duration::from_secs(2);
/// How long the end waits for the kernel to let go of the interfaces, and how often it looks.
const DETACH_LIMIT: Duration = Duration::from_secs(2);
const DETACH_PAUSE: Duration = Duration::from_millis(2);
/// Health events that wait for the loop; the results behind one that does not fit wait with it.
const HEALTH_QUEUE: usize = 1_024;
/// Servers that requests fail at, and the loop has not heard of; more are not taken note of.
const SUSPECTS_QUEUE: usize = 64;

/// How `lb run` was called.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Leave forwarding in place when told to stop.
    pub keep: bool,
    /// Use this interface instead of the configured ones.
    pub interface: Option<InterfaceName>,
}

/// The running agent.
pub(super) struct Agent {
    pub(super) file: PathBuf,
    pub(super) options: Options,
    pub(super) parsed: Parsed,
    pub(super) director: Director,
    pub(super) netlink: Netlink,
    pub(super) neighbours: Neighbours,
    pub(super) prober: Prober,
    /// Who started this process, and gives it a probe and a worker.
    pub(super) supervised: Supervised,
    /// What the worker serves.
    pub(super) proxied: Proxied,
    /// Where clients of the proxy come in.
    pub(super) listeners: Listeners,
    pub(super) pins: Pins,
    pub(super) links: Links,
    pub(super) hooks: Hooks,
    /// Where checks go through VIPs.
    pub(super) passages: Passages,
    pub(super) attached: Vec<Attached>,
    pub(super) addresses: Addresses,
    /// Where VRRP's instances have MAC addresses of their own.
    pub(super) virtual_macs: VirtualMacs,
    /// Settings of the kernel that are not as they were found.
    pub(super) raised: Raised,
    /// VRRP's thread, where the configuration has instances.
    pub(super) vrrp: Option<Vrrp>,
    /// The other directors, where the configuration names any.
    pub(super) cluster: Option<Cluster>,
    /// What they prove themselves with.
    pub(super) seal: SealKey,
    /// What VRRP's priorities depend on.
    pub(super) trackers: Trackers,
    /// Tells scripts and people what happens.
    pub(super) notifier: Notifier,
    /// The capture that goes on.
    pub(super) capture: Option<Capture>,
    /// The control socket, once it is open.
    pub(super) socket: Option<PathBuf>,
    /// What an operator should look at.
    pub(super) warnings: Vec<String>,
    pub(super) started: Instant,
}

/// Something that the loop acts upon.
enum Event {
    NextHop(Update),
    Health(prober::Event),
    Suspect(Suspect),
    Command(Command),
    Cluster(cluster::Event),
    CaptureEnded,
    Masters,
    Worker,
    Reload,
    Tick,
    Reconcile,
    Stop(&'static str),
}

/// Runs the agent until it is told to stop.
///
/// # Errors
/// Everything that keeps it from starting, with what to do about it. Nothing is left half-done then.
pub fn run(file: &Path, options: Options) -> Result<ExitCode> {
    let link = Packets::at_stdin()?;
    sandbox::end_with_supervisor()?;
    descriptors::keep().context("keeping descriptors from scripts")?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (events, mut health) = mpsc::channel(HEALTH_QUEUE);
        let (suspects, suspected) = mpsc::channel(SUSPECTS_QUEUE);
        let (prober, passages) = (Prober::new(events), Passages::default());
        prober.connect_here(checks_here::start());
        let supervised = Supervised::new(link).context("speaking with the supervisor")?;
        let parts = Parts { prober, passages, proxied: Proxied::new(suspects) };
        supervised.serve(parts.clone());
        let mut agent = Agent::start(file, options, supervised, parts).await?;
        let outcome = match agent.bring_up(&mut health).await {
            Ok(()) => agent.serve(health, suspected).await,
            Err(error) => Err(error),
        };
        let notifier = agent.notifier.clone();
        let stopped = agent.stop(outcome.is_ok()).await;
        notifier.finish().await;
        stopped?;
        outcome.map(|()| ExitCode::SUCCESS)
    })
}

impl Agent {
    async fn serve(
        &mut self,
        mut health: mpsc::Receiver<prober::Event>,
        mut suspects: mpsc::Receiver<Suspect>,
    ) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut masters = self.notifier.masters();
        let mut serving = self.proxied.serving();
        let mut hang_up = signal(SignalKind::hangup())?;
        let socket = self.parsed.config.node.socket.clone();
        let mut commands = control::serve(&socket)?;
        self.socket = Some(socket);
        let mut reconcile = tokio::time::interval(RECONCILE);
        reconcile.reset();
        self.supervised.ready().await;
        info!(socket = %self.parsed.config.node.socket.display(), "ready");
        loop {
            let due = self.director.next_deadline();
            let event = tokio::select! {
                _ = terminate.recv() => Event::Stop("SIGTERM"),
                _ = interrupt.recv() => Event::Stop("SIGINT"),
                _ = hang_up.recv() => Event::Reload,
                Some(update) = self.neighbours.next() => Event::NextHop(update),
                Some(result) = health.recv() => Event::Health(result),
                Some(suspect) = suspects.recv() => Event::Suspect(suspect),
                Ok(()) = masters.changed() => Event::Masters,
                Ok(()) = serving.changed() => Event::Worker,
                Some(command) = commands.recv() => Event::Command(command),
                event = Cluster::next(&mut self.cluster) => Event::Cluster(event),
                () = capture::ended(&mut self.capture) => Event::CaptureEnded,
                () = until(due) => Event::Tick,
                _ = reconcile.tick() => Event::Reconcile,
            };
            match event {
                Event::NextHop(update) => self.next_hop(update),
                Event::Masters => self.suspend_checks(),
                Event::Worker => self.tell_trackers(),
                Event::Health(result) => self.health(&result),
                Event::Suspect(suspect) => self.suspect(&suspect),
                Event::Command(command) => self.command(command).await,
                Event::Cluster(event) => self.cluster_event(event).await,
                Event::CaptureEnded => self.end_capture(),
                Event::Reload => {
                    if let Err(reason) = self.reload().await {
                        error!(%reason, "the configuration was not reloaded; the old one is in force");
                    }
                }
                Event::Tick => {
                    if self.director.tick(Instant::now())? {
                        self.converge();
                    }
                }
                Event::Reconcile => {
                    self.look_around().await;
                    self.hooks.doubt();
                    let now = Instant::now();
                    self.settle(|director, neighbours| director.reconcile(neighbours, now));
                }
                Event::Stop(signal) => {
                    info!(signal, "stopping");
                    return Ok(());
                }
            }
        }
    }

    /// Waits until every real server is resolved, or for [`FIRST_HOPS`]: the first ring is then complete,
    /// and nothing has to be tracked because of the start.
    pub(super) async fn first_hops(&mut self, health: &mut mpsc::Receiver<prober::Event>) {
        let deadline = tokio::time::Instant::now() + FIRST_HOPS;
        let left: BTreeSet<_> = self.director.left_hops.keys().copied().collect();
        let mut places = self.director.placement.places.clone();
        places.retain(|address, _| !left.contains(address));
        let waiting = |neighbours: &Neighbours| {
            let mut states = places.values().filter_map(|place| neighbours.state(place.key));
            states.any(|state| state.mac().is_none())
        };
        while waiting(&self.neighbours) {
            tokio::select! {
                Some(_) = self.neighbours.next() => {}
                Some(event) = health.recv() => {
                    self.director.note_health(&event, Instant::now());
                }
                () = sleep_until(deadline) => {
                    warn!("some real servers do not answer yet: they get no traffic until they do");
                    break;
                }
            }
        }
    }

    fn next_hop(&mut self, update: Update) {
        match update {
            Update::Publish { .. } => self.converge(),
            Update::CheckHealth { key } => {
                for (pool, server) in self.servers_at(key) {
                    self.prober.check_now(pool.as_str(), server.as_str());
                }
            }
        }
    }

    pub(super) fn health(&mut self, event: &prober::Event) {
        if self.director.note_health(event, Instant::now()) {
            self.converge();
        }
    }

    async fn command(&mut self, command: Command) {
        // A caller that has gone away does not want its answer.
        match command {
            Command::Status(reply) => {
                let mut status = self.status();
                self.notifier.annotate_pools(&mut status.pools).await;
                _ = reply.send(status);
            }
            Command::Trace { protocol, client, vip, reply } => {
                _ = reply.send(self.trace(protocol, client, vip));
            }
            Command::Change { pool, change, everywhere: false, reply } => {
                _ = reply.send(self.change(&pool, change).await);
            }
            Command::Change { pool, change, everywhere: true, reply } => {
                self.change_everywhere(pool, change, reply).await;
            }
            Command::Guard(change, reply) => _ = reply.send(self.change_guard(change)),
            Command::GuardReport(service, reply) => {
                _ = reply.send(self.guard_report(service.as_ref()));
            }
            Command::Health(which, reply) => _ = reply.send(self.checks(&which)),
            Command::TestChecks { pool, server, reply } => self.test_checks(&pool, &server, reply),
            Command::Reload(reply) => _ = reply.send(self.reload().await),
            Command::Vrrp(reply) => {
                let mut instances = match &self.vrrp {
                    Some(vrrp) => vrrp.report().await,
                    None => Vec::new(),
                };
                self.notifier.annotate(&mut instances).await;
                _ = reply.send(instances);
            }
            Command::MoveVips { instance, take, reply } => {
                _ = reply.send(self.move_vips(instance, take).await);
            }
            Command::Capture(asked, reply) => _ = reply.send(self.begin_capture(&asked).await),
        }
    }

    /// Converges, and reports what goes wrong: the next event tries again.
    pub(super) fn converge(&mut self) {
        let now = Instant::now();
        self.settle(|director, neighbours| director.converge(neighbours, now).map(|_| ()));
    }

    fn settle(&mut self, work: impl FnOnce(&mut Director, &Neighbours) -> Result<()>) {
        let prefix = "the data plane does not follow: ";
        self.warnings.retain(|warning| !warning.starts_with(prefix));
        if let Err(error) = work(&mut self.director, &self.neighbours) {
            error!(error = format!("{error:#}"), "the data plane does not follow");
            self.warnings.push(format!("{prefix}{error:#}"));
        }
        self.follow_hooks();
        self.tell_trackers();
        self.tell_worker();
        self.tell_news();
    }

    /// Ends the agent: takes everything back, or leaves forwarding in place (`--keep`, and after a failed
    /// start where an earlier agent had left it in place).
    async fn stop(mut self, started: bool) -> Result<()> {
        // The socket first: whoever asks now is told that nobody is there.
        self.socket.take().map_or(Ok(()), |path| {
            std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
        })?;
        if self.capture.is_some() {
            self.end_capture();
        }
        match self.vrrp.take() {
            // The next agent goes on with them; where it comes too late, the fence holds.
            Some(vrrp) if self.options.keep => vrrp.leave().await,
            Some(vrrp) => vrrp.stop().await,
            None => {}
        }
        self.director.write_findings(Instant::now());
        self.prober.write_down();
        if self.options.keep || (!started && self.pins.adopted()) {
            info!("forwarding stays in place; the next `lb run` adopts it");
            return Ok(());
        }
        self.addresses.remove_all(&self.netlink).await;
        self.virtual_macs.keep(&self.netlink, &BTreeSet::new()).await;
        self.raised.put_all_back();
        let keys: Vec<_> = self.neighbours.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.neighbours.forget(key).await;
        }
        self.links.detach(&mut self.director.plane)?;
        self.hooks.detach(&mut self.director.plane)?;
        self.detached().await;
        drop(self.director);
        self.pins.remove()?;
        Ok(())
    }

    /// Waits until the interfaces are free: the kernel lets go of a link some time after its last handle is
    /// closed, and an agent that starts right after this one must not meet it.
    async fn detached(&self) {
        let deadline = Instant::now() + DETACH_LIMIT;
        for Attached { interface, .. } in &self.attached {
            while self.netlink.interface(interface).await.is_ok_and(|found| found.xdp.is_some()) {
                if Instant::now() > deadline {
                    warn!(interface, "an XDP program is still attached");
                    return;
                }
                sleep(DETACH_PAUSE).await;
            }
        }
    }

    /// Real servers that are reached by a neighbour.
    fn servers_at(&self, key: Key) -> Vec<(Name, Name)> {
        let places = &self.director.placement.places;
        let pools = &self.director.effective.config.pools;
        pools
            .iter()
            .flat_map(|pool| pool.everyone().map(move |server| (pool, server)))
            .filter(|(_, server)| places.get(&server.address).is_some_and(|at| at.key == key))
            .map(|(pool, server)| (pool.name.clone(), server.name.clone()))
            .collect()
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
