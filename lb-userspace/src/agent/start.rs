//! Starting the agent: from a file to a director at work, or to a reason why not.
//!
//! Everything that can be refused is looked at before anything is changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    time::Instant,
};

use anyhow::{Context as _, Result};
use lb_common::flow_hash::HashKeys;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{
    addresses::Addresses,
    control,
    dataplane::{DataPlane, Links, Pins},
    director::{Director, Stored},
    files,
    hooks::Hooks,
    host::{self, Wanted},
    ledger::Ledger,
    neighbour::Neighbours,
    netlink::Netlink,
    notebook::Notebook,
    notify::{self, Notifier},
    passages::Here,
    placement::Placement,
    prober::{self, Target},
    run::{Agent, Options},
    supervised::{Parts, Supervised},
    sysctl::{Raised, Setting, on_request},
    track::Trackers,
    virtual_macs::{VirtualMacs, settings_beneath},
    vrrp::{self, Vrrp},
};
use crate::{
    cluster::SealKey,
    config::Parsed,
    config_file, health,
    model::{Check, Config, InterfaceName, Pool, RealServer, WhileBackup},
    plan::{self, Admin, GuardLists, Operator},
    probe::Job,
};

/// How a warning begins about a setting of the kernel.
const NOT_SET: &str = "a setting of the kernel: ";

impl Agent {
    /// Gets everything ready; what can be refused is refused here.
    ///
    /// # Errors
    /// The configuration, the host or the kernel does not allow it; nothing has changed then.
    pub(super) async fn start(
        file: &Path,
        options: Options,
        supervised: Supervised,
        Parts { prober, passages, proxied }: Parts,
    ) -> Result<Self> {
        let parsed = load(file, &options)?;
        let (node, limits) = (&parsed.config.node, parsed.config.limits);
        let mut warnings = host::check(&node.pin_folder)?;
        control::check_free(&node.socket)?;
        supervised.want_probe(node.user.as_deref()).await?;
        let netlink = Netlink::connect()?;
        let operator: Operator = files::read(&node.operator_file())?;
        let guards: GuardLists = files::read(&node.guard_file())?;
        guards.check_room(&parsed.config)?;
        let mut placement = Placement::of(&parsed, &netlink).await?;
        warnings.extend(place_added(&operator, &mut placement, &parsed, &netlink).await);
        let seed = files::seed(node.seed_file.as_deref(), &node.state_folder)?;
        let keys = HashKeys::from_seed(seed);
        let virtual_macs = VirtualMacs::load(&node.state_folder)?;
        virtual_macs.check(&netlink, &vrrp::wanted(&parsed.config, &netlink).await?).await?;
        let raised = Raised::load(&node.state_folder)?;
        let notices = notify::settings(&parsed.config)?;
        let listeners = proxied.listeners().await;
        let addresses = Addresses::load(&node.state_folder)?;
        let links = Links::new(Pins::links(&node.pin_folder));
        let hooks = Hooks::new(&node.pin_folder);
        for interface in &placement.interfaces {
            links.check(&interface.name, interface.xdp.map(|xdp| xdp.prog_id))?;
        }
        let pins = Pins::open(&node.pin_folder, &limits)?;
        let ledger = Ledger::load(&node.state_folder, pins.adopted())?;
        let notebook = Notebook::load(&node.state_folder, pins.adopted())?;
        let features = plan::features(&parsed.config);
        let plane = match DataPlane::load(&limits, keys, features, Some(pins.maps())) {
            Ok(plane) => plane,
            Err(error) => {
                if !pins.adopted() {
                    pins.remove()?;
                }
                return Err(error.into());
            }
        };
        let neighbours = Neighbours::new(netlink.clone())?;
        let director = Director::new(
            parsed.config.clone(),
            Stored { operator, guards, ledger, notebook },
            placement,
            plane,
            keys,
            Instant::now(),
        );
        let mut agent = Self {
            file: file.to_owned(),
            options,
            parsed,
            director,
            netlink,
            neighbours,
            prober,
            supervised,
            proxied,
            listeners,
            pins,
            links,
            hooks,
            passages,
            attached: Vec::new(),
            addresses,
            virtual_macs,
            raised,
            vrrp: None,
            cluster: None,
            seal: SealKey::from_seed(&seed),
            trackers: Trackers::new(),
            notifier: Notifier::start(notices),
            capture: None,
            socket: None,
            warnings,
            started: Instant::now(),
        };
        if agent.pins.adopted() {
            info!("pinned maps adopted: forwarding goes on from where it was");
            agent.adopt();
        }
        Ok(agent)
    }

    /// Maps first, then the program on the interfaces, then the VIPs: no packet of a service ever meets
    /// this host's own stack.
    ///
    /// # Errors
    /// Another XDP program, no native mode, a map that is full. [`Agent::stop`] takes back what was done.
    pub(super) async fn bring_up(
        &mut self,
        health: &mut mpsc::Receiver<prober::Event>,
    ) -> Result<()> {
        self.follow();
        self.director.left_up.clear();
        self.director.left_checks.clear();
        self.prober.remember(&self.parsed.config.node.state_folder);
        self.first_hops(health).await;
        let parsed = self.parsed.clone();
        self.open_listeners(&parsed).await?;
        self.put_into_force()?;
        self.attach()?;
        self.pins.remove_others()?;
        self.set_addresses().await;
        self.follow_proxied().await;
        self.follow_cluster().await;
        let wanted = vrrp::wanted(&self.director.config, &self.netlink).await?;
        self.set_vrrp(wanted).await
    }

    /// Settings of the kernel: what virtual MAC addresses need, and what the configuration asks for.
    fn settings(&self, wanted: &[vrrp::Wanted]) -> BTreeMap<Setting, u32> {
        let node = &self.director.config.node;
        let own = node.interfaces.iter().map(InterfaceName::as_str);
        let others = wanted.iter().map(|one| one.place.name.as_str());
        let interfaces: Vec<_> = own.chain(others).collect();
        let ipv6 = Path::new("/proc/sys/net/ipv6").exists();
        let mut settings = on_request(&node.sysctls, &interfaces, ipv6);
        settings.extend(settings_beneath(wanted));
        settings
    }

    /// Makes these the instances that are at work.
    ///
    /// # Errors
    /// A socket that cannot be opened.
    pub(super) async fn set_vrrp(&mut self, mut wanted: Vec<vrrp::Wanted>) -> Result<()> {
        let trackers = &self.director.config.trackers;
        self.trackers.begin(trackers).await;
        self.tell_trackers();
        let findings = self.trackers.findings();
        let settings = self.settings(&wanted);
        let problems = self.raised.set(&settings);
        self.warnings.retain(|warning| !warning.starts_with(NOT_SET));
        self.warnings.extend(problems.iter().map(|problem| format!("{NOT_SET}{problem}")));
        self.virtual_macs.make(&self.netlink, &mut wanted).await?;
        let virtual_macs = wanted.iter().filter_map(|one| one.place.virtual_mac.clone()).collect();
        let guarded = self.begin_fence(&mut wanted)?;
        match self.vrrp.take() {
            Some(vrrp) if wanted.is_empty() => vrrp.stop().await,
            Some(vrrp) => self.vrrp.insert(vrrp).replace(wanted).await.context("VRRP")?,
            None if wanted.is_empty() => {}
            None => {
                let notices = self.notifier.notices();
                self.vrrp = Some(Vrrp::start(wanted, findings, notices).await.context("VRRP")?);
            }
        }
        self.virtual_macs.keep(&self.netlink, &virtual_macs).await;
        // Nobody asks for the others any more.
        self.trackers.retain(&self.director.config.trackers);
        self.finish_fence(&guarded)
    }

    pub(super) fn attach(&mut self) -> Result<()> {
        self.attached.clear();
        for interface in &self.director.placement.interfaces {
            let attached = self.links.attach(
                &mut self.director.plane,
                &interface.name,
                interface.index,
                self.parsed.config.node.xdp_mode,
            )?;
            info!(interface = attached.interface, mode = attached.mode, "XDP attached");
            if let Some(reason) = &attached.fell_back {
                self.warnings.push(format!(
                    "{}: generic XDP, which is slower, because {reason}",
                    attached.interface
                ));
            }
            self.attached.push(attached);
        }
        self.links.remove_others()?;
        self.hooks.doubt();
        self.follow_hooks();
        Ok(())
    }

    pub(super) async fn set_addresses(&mut self) {
        let (config, placement) = (&self.director.config, &self.director.placement);
        let shared = config.vrrp_addresses();
        let services = config.services.iter().filter(|_| config.node.manage_addresses);
        let services = services.filter(|service| !shared.contains(&service.address));
        let vips: BTreeSet<_> = services
            .filter_map(|service| Some((placement.home(service.address)?, service.address)))
            .collect();
        let new = self.addresses.set(&self.netlink, &vips).await;
        self.warnings.retain(|warning| !warning.starts_with("VIP "));
        self.warnings.extend(new);
    }

    /// Watches and resolves exactly the real servers in force.
    pub(super) fn follow(&mut self) {
        self.follow_neighbours();
        let config = self.director.effective.config.clone();
        let vips = config.services.iter().map(|service| service.address);
        let vips = vips.chain(config.vrrp_addresses()).collect();
        let own = self.director.placement.own(&config);
        let here = Here { vips, own, node: config.node.clone() };
        if let Err(error) = self.passages.begin(self.director.plane.through(), here) {
            warn!(%error, "no check goes through a VIP");
        }
        self.director.follow_outliers();
        let mut targets = Vec::new();
        for pool in &config.pools {
            // The sorry server is not checked.
            for server in &pool.servers {
                let key = (pool.name.clone(), server.address);
                let initial = self.director.initial(pool, &key);
                let mut wanted = self.targets(pool, server, initial);
                self.director.resume(pool, &key, &mut wanted, initial);
                targets.extend(wanted);
                self.director.expect_checks(pool, server.address);
            }
        }
        self.suspend_checks();
        self.prober.keep(&targets.iter().map(Target::key).collect());
        targets.into_iter().for_each(|target| self.prober.watch(target));
    }

    /// What is to be checked of a real server.
    fn targets(&self, pool: &Pool, server: &RealServer, initial: health::Initial) -> Vec<Target> {
        let config = &self.director.effective.config;
        let checks = pool.checks.iter().enumerate();
        let here = self.director.placement.local.contains(&server.address);
        let target = |(index, check): (usize, &Check)| {
            let mut target = target(config, pool, server, (index, check), initial)?;
            // What this host serves by itself leaves it by no interface.
            if check.route.through_vip && !here {
                target.job.vips = config.vips_through(pool, server);
            }
            Some(target)
        };
        checks.filter_map(target).collect()
    }

    /// Takes over what an earlier agent has left in the maps: transition windows, next hops, and which real
    /// servers were out (they stay out until their checks pass).
    fn adopt(&mut self) {
        self.director.adopt_windows(Instant::now());
        let director = &mut self.director;
        for pool in &director.effective.config.pools {
            let Some(numbers) = director.ledger.numbering().pools.get(&pool.name) else { continue };
            for server in pool.everyone() {
                let Some(number) = numbers.members.get(&server.address) else { continue };
                let number = numbers.reals.start + u32::from(*number);
                if let Some(hop) = director.plane.next_hop(number) {
                    director.left_hops.insert(server.address, hop);
                }
                let maintenance =
                    director.effective.admin(&pool.name, &server.name) == Admin::Maintenance;
                if pool.checks.is_empty() || maintenance || pool.is_sorry(server) {
                    continue;
                }
                let key = (pool.name.clone(), server.address);
                // The maps are never late; but they may have given packets to one that was down.
                let was_down = director.notebook.written().down.contains(&key);
                let known = if director.plane.usable(number) && !was_down {
                    &mut director.left_up
                } else {
                    &mut director.down
                };
                known.insert(key);
            }
        }
        for (pool, holds) in &director.notebook.written().quorums {
            director.quorums.restore(pool.clone(), *holds);
        }
        director.adopt_health(&self.prober, Instant::now());
    }
}

pub(super) fn load(file: &Path, options: &Options) -> Result<Parsed> {
    let mut parsed = config_file::load(file)?;
    if let Some(interface) = &options.interface {
        parsed.config.node.interfaces = vec![interface.clone()];
    }
    if !parsed.warnings.is_empty() {
        for line in parsed.warnings.to_string().lines() {
            warn!("{line}");
        }
    }
    Ok(parsed)
}

/// Places the real servers that an operator has added; one that cannot be reached is left out, and named.
pub(super) async fn place_added(
    operator: &Operator,
    placement: &mut Placement,
    parsed: &Parsed,
    netlink: &Netlink,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let config = operator.apply(&parsed.config).config;
    for pool in config.pools.iter().filter(|pool| config.forwards_to(pool)) {
        let tunnelled = config.is_tunnelled(pool);
        for server in pool.everyone() {
            if placement.knows(&server.address) {
                continue;
            }
            let (name, address) = (server.name.as_str(), server.address);
            match placement.find(&Wanted { name, address, tunnelled }, netlink).await {
                Ok(found) => placement.insert(address, found),
                Err(error) => warnings.push(error.to_string()),
            }
        }
    }
    warnings
}

/// `None` where its pool serves nothing.
fn target(
    config: &Config,
    pool: &Pool,
    server: &RealServer,
    (index, check): (usize, &Check),
    initial: health::Initial,
) -> Option<Target> {
    let port = config.check_port(pool, check, server)?;
    Some(Target {
        pool: pool.name.to_string(),
        server: server.name.to_string(),
        check: index,
        job: Job {
            kind: check.kind.of_server(&pool.name, server),
            address: SocketAddr::new(check.route.address.unwrap_or(server.address), port),
            interface: None,
            // Never a VIP: the real server holds it too, and would answer itself.
            source: check.route.source,
            mark: check.route.mark,
            proxy: check.route.proxy_protocol,
            vips: Vec::new(),
            interval: check.interval,
            jitter: check.pace.jitter,
            // What goes on at a takeover goes on at once.
            warm_up: check.pace.warm_up.filter(|_| check.pace.while_backup == WhileBackup::Check),
            timeout: check.timeout,
            place: Target::place(pool.name.as_str(), server.name.as_str(), index),
        },
        settings: health::Settings { rise: check.rise, fall: check.fall, initial },
        pace: health::Pace {
            up: check.interval,
            down: check.pace.interval_down.unwrap_or(check.interval),
            changing: check.pace.interval_changing,
        },
        left: None,
    })
}
