//! Starting and reloading the agent: from a file to a director at work, or to a reason why not.
//!
//! Everything that can be refused is looked at before anything is changed.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Instant};

use anyhow::{Result, bail};
use lb_common::flow_hash::HashKeys;
use tracing::{info, warn};

use super::{
    addresses::Addresses,
    dataplane::{DataPlane, Links, Pins},
    director::Director,
    files, host,
    ledger::Ledger,
    neighbour::Neighbours,
    netlink::Netlink,
    placement::Placement,
    probe::{Prober, Target},
    run::{Agent, Options},
};
use crate::{
    api::Done,
    config::Parsed,
    config_file, health,
    model::{Node, Pool, RealServer},
    plan::Operator,
};

impl Agent {
    /// Starts everything but the control socket.
    ///
    /// # Errors
    /// The configuration, the host or the kernel does not allow it; what was begun is taken back.
    pub(super) async fn start(file: &Path, options: Options, prober: Prober) -> Result<Self> {
        let parsed = load(file, &options)?;
        let (node, limits) = (&parsed.config.node, parsed.config.limits);
        let mut warnings = host::check(&node.pin_folder)?;
        let netlink = Netlink::connect()?;
        let operator: Operator = files::read(&node.operator_file())?;
        let mut placement = Placement::of(&parsed, &netlink).await?;
        warnings.extend(place_added(&operator, &mut placement, &parsed, &netlink).await);
        let keys = HashKeys::from_seed(files::seed(node.seed_file.as_deref(), &node.state_folder)?);
        let addresses = Addresses::load(&node.state_folder)?;
        let pins = Pins::open(&node.pin_folder, &limits)?;
        let ledger = Ledger::load(&node.state_folder, pins.adopted())?;
        let plane = DataPlane::load(&limits, keys, Some(pins.maps()))?;
        let neighbours = Neighbours::new(netlink.clone())?;
        let director =
            Director::new(parsed.config.clone(), operator, placement, plane, ledger, keys);
        let links = Links::new(pins.links());
        let mut agent = Self {
            file: file.to_owned(),
            options,
            parsed,
            director,
            netlink,
            neighbours,
            prober,
            pins,
            links,
            attached: Vec::new(),
            addresses,
            warnings,
            started: Instant::now(),
        };
        if agent.pins.adopted() {
            info!("pinned maps adopted: forwarding goes on from where it was");
            agent.adopt_health();
            agent.director.adopt_windows(Instant::now());
        }
        if let Err(error) = agent.bring_up().await {
            if !agent.pins.adopted() {
                agent.take_back().await;
            }
            return Err(error);
        }
        Ok(agent)
    }

    /// Maps first, then the program on the interfaces, then the VIPs: no packet of a service ever meets
    /// this host's own stack.
    async fn bring_up(&mut self) -> Result<()> {
        self.put_into_force()?;
        self.attach()?;
        self.pins.remove_others()?;
        self.set_addresses().await;
        Ok(())
    }

    fn attach(&mut self) -> Result<()> {
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
        Ok(())
    }

    async fn set_addresses(&mut self) {
        let config = &self.director.config;
        let Some(interface) = self.director.placement.interfaces.first() else { return };
        let vips: BTreeSet<_> = if config.node.manage_addresses {
            config.services.iter().map(|service| service.address).collect()
        } else {
            BTreeSet::new()
        };
        let new = self.addresses.set(&self.netlink, interface.index, &vips).await;
        self.warnings.retain(|warning| !warning.starts_with("VIP "));
        self.warnings.extend(new);
    }

    /// Undoes a start that has failed half-way.
    async fn take_back(&mut self) {
        self.addresses.remove_all(&self.netlink).await;
        if let Err(error) = self.links.detach(&mut self.director.plane) {
            warn!(%error, "detaching after a failed start");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.parsed.config.node.pin_folder) {
            warn!(%error, "removing the pins after a failed start");
        }
    }

    /// Watches and resolves exactly the real servers in force.
    pub(super) fn follow(&mut self) {
        let config = &self.director.effective.config;
        let mut watched = BTreeSet::new();
        for pool in &config.pools {
            for server in &pool.servers {
                if let Some(place) = self.director.placement.places.get(&server.address)
                    && let Some(interface) = self
                        .director
                        .placement
                        .interfaces
                        .iter()
                        .find(|interface| interface.index == place.key.interface)
                {
                    self.neighbours.want(interface, server.address);
                }
                let key = (pool.name.clone(), server.address);
                match target(config, pool, server, self.director.down.contains(&key)) {
                    Some(target) => {
                        watched.insert((target.pool.clone(), target.server.clone()));
                        self.prober.watch(target);
                    }
                    None => _ = self.director.down.remove(&key),
                }
            }
        }
        let surplus: Vec<_> = self
            .prober
            .watched()
            .map(|(pool, server)| (pool.to_owned(), server.to_owned()))
            .filter(|key| !watched.contains(key))
            .collect();
        for (pool, server) in surplus {
            self.prober.forget(&pool, &server);
        }
    }

    /// Real servers that were out before the agent was restarted are out until their checks pass.
    fn adopt_health(&mut self) {
        let numbering = self.director.ledger.numbering();
        let effective = &self.director.effective;
        for pool in effective.config.pools.iter().filter(|pool| pool.check.is_some()) {
            let Some(numbers) = numbering.pools.get(&pool.name) else { continue };
            for server in &pool.servers {
                let usable = numbers.members.get(&server.address).is_none_or(|number| {
                    self.director.plane.usable(numbers.reals.start + u32::from(*number))
                });
                let maintenance =
                    effective.admin(&pool.name, &server.name) == crate::plan::Admin::Maintenance;
                if !usable && !maintenance {
                    self.director.down.insert((pool.name.clone(), server.address));
                }
            }
        }
    }

    /// Reads the file again and puts it into force, or leaves everything as it is.
    pub(super) async fn reload(&mut self) -> Result<Done, String> {
        let words = |error: anyhow::Error| format!("{error:#}");
        let parsed = load(&self.file, &self.options).map_err(words)?;
        needs_restart(&self.parsed, &parsed).map_err(words)?;
        let mut placement =
            Placement::of(&parsed, &self.netlink).await.map_err(|error| error.to_string())?;
        let operator = self.director.operator.clone();
        let mut warnings = place_added(&operator, &mut placement, &parsed, &self.netlink).await;
        let before = (self.director.config.clone(), self.director.placement.clone());
        (self.director.config, self.director.placement) = (parsed.config.clone(), placement);
        let steps = match self.put_into_force().and_then(|steps| self.attach().map(|()| steps)) {
            Ok(steps) => steps,
            Err(error) => {
                (self.director.config, self.director.placement) = before;
                if let Err(again) = self.put_into_force().and_then(|_| self.attach()) {
                    warn!(error = format!("{again:#}"), "going back to the old configuration");
                }
                return Err(words(error));
            }
        };
        self.parsed = parsed;
        self.forget_next_hops().await;
        self.set_addresses().await;
        if !self.parsed.warnings.is_empty() {
            warnings.push(self.parsed.warnings.to_string());
        }
        info!(steps, "configuration reloaded");
        Ok(Done { message: "configuration reloaded".to_owned(), steps, warnings })
    }

    /// Next hops of real servers that are gone.
    async fn forget_next_hops(&mut self) {
        let used: BTreeSet<_> = self
            .director
            .effective
            .config
            .pools
            .iter()
            .flat_map(|pool| pool.servers.iter().map(|server| server.address))
            .collect();
        let gone: Vec<_> = self
            .neighbours
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !used.contains(&key.address))
            .collect();
        for key in gone {
            self.neighbours.forget(key).await;
        }
    }
}

fn load(file: &Path, options: &Options) -> Result<Parsed> {
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

/// What cannot be changed under a running agent.
fn needs_restart(before: &Parsed, after: &Parsed) -> Result<()> {
    let frozen = |node: &Node| {
        let seed = node.seed_file.clone();
        (node.socket.clone(), node.pin_folder.clone(), node.state_folder.clone(), seed)
    };
    if before.config.limits != after.config.limits {
        bail!("[limits] has changed: maps cannot grow under traffic; restart the agent");
    }
    if frozen(&before.config.node) != frozen(&after.config.node) {
        bail!(
            "`socket`, `pin_folder`, `state_folder` or `seed_file` has changed: restart the agent"
        );
    }
    Ok(())
}

/// Places the real servers that an operator has added; one that cannot be reached is left out, and named.
async fn place_added(
    operator: &Operator,
    placement: &mut Placement,
    parsed: &Parsed,
    netlink: &Netlink,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for pool in operator.apply(&parsed.config).config.pools {
        for server in pool.servers {
            if placement.places.contains_key(&server.address) {
                continue;
            }
            match placement.place(server.name.as_str(), server.address, netlink).await {
                Ok(place) => _ = placement.places.insert(server.address, place),
                Err(error) => warnings.push(error.to_string()),
            }
        }
    }
    warnings
}

/// What is to be checked of a real server; `None` where its pool has no check.
fn target(
    config: &crate::model::Config,
    pool: &Pool,
    server: &RealServer,
    down: bool,
) -> Option<Target> {
    let check = pool.check.as_ref()?;
    let port = config.check_port(pool, server)?;
    let initial = if down {
        health::Initial::Known(health::State::Down)
    } else {
        health::Initial::Assumed(health::State::Up)
    };
    Some(Target {
        pool: pool.name.to_string(),
        server: server.name.to_string(),
        address: SocketAddr::new(server.address, port),
        interface: None,
        source: None,
        settings: health::Settings {
            interval: check.interval,
            timeout: check.timeout,
            rise: check.rise,
            fall: check.fall,
            initial,
        },
    })
}
