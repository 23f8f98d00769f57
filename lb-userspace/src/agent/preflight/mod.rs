//! Gathers what [`crate::preflight`] judges. Nothing is changed; what cannot be read stays unknown.

mod ethtool;
mod netdev;
mod proc;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dataplane::{DataPlaneError, Links, Pins, Trial},
    host,
    netlink::{self, Interface, NeighbourState, Netlink},
};
use crate::{
    model::{Config, Limits, Node, Pool},
    preflight::{Card, Elsewhere, Facts, NeighbourRoom},
};

/// An address of no network (RFC 5737): the way to it is the way to the world.
const THE_WORLD: [u8; 4] = [192, 0, 2, 1];

/// Looks at this host, for `config` or as a whole. With `try_native`, a program that passes every frame is
/// attached to each interface in native mode for a moment, where none is attached.
///
/// # Errors
/// The kernel does not answer over netlink.
pub async fn gather(config: Option<Config>, try_native: bool) -> Result<Facts, netlink::Error> {
    let netlink = Netlink::connect()?;
    let pin_folder = config
        .as_ref()
        .map_or_else(|| Node::DEFAULT_PIN_FOLDER.into(), |config| config.node.pin_folder.clone());
    let basics = host::basics(&pin_folder);
    let privileged = basics.privilege().is_ok();
    let mut facts = Facts {
        basics,
        jit: proc::number("net/core/bpf_jit_enable"),
        cpus: aya::util::online_cpus().ok().and_then(|cpus| u32::try_from(cpus.len()).ok()),
        router: proc::number("net/ipv4/ip_forward") == Some(1),
        conntrack: proc::number("net/netfilter/nf_conntrack_max").is_some(),
        interfaces: netlink.interfaces().await?,
        way_out: netlink.route_to(THE_WORLD.into()).await.ok().map(|route| route.interface),
        config,
        ..Facts::default()
    };
    neighbours(&mut facts, &netlink).await?;
    routes(&mut facts, &netlink).await;
    let looked_at: Vec<_> = facts.looked_at().cloned().collect();
    let names: BTreeSet<_> =
        facts.segments().into_iter().chain(&looked_at).map(|found| found.name.as_str()).collect();
    facts.settings = proc::settings(&names);
    let wanted = facts.config.iter().flat_map(|config| &config.vrrp);
    if privileged && wanted.into_iter().any(|instance| instance.virtual_mac.is_some()) {
        facts.macvlans = netlink.has_macvlans().await;
    }
    let links = privileged.then(|| Links::new(Pins::links(&pin_folder)));
    facts.cards = cards(&facts, &looked_at, links.as_ref()).await;
    if privileged {
        trial(&mut facts, &looked_at, try_native);
    }
    Ok(facts)
}

/// The VIPs that others have, and the room in the tables.
async fn neighbours(facts: &mut Facts, netlink: &Netlink) -> Result<(), netlink::Error> {
    let entries = netlink.neighbours(None).await?;
    let room = |family: &str, ipv4: bool| {
        let limit = proc::number(&format!("net/{family}/neigh/default/gc_thresh3"))?;
        let used = entries.iter().filter(|entry| entry.address.is_ipv4() == ipv4).count();
        Some(NeighbourRoom { used: u32::try_from(used).unwrap_or(u32::MAX), limit })
    };
    facts.ipv4_neighbours = room("ipv4", true);
    facts.ipv6_neighbours = room("ipv6", false);
    let Some(config) = &facts.config else { return Ok(()) };
    let known = |state| matches!(state, NeighbourState::Valid | NeighbourState::Permanent);
    for entry in entries.iter().filter(|entry| known(entry.state)) {
        let vip = config.services.iter().any(|service| service.address == entry.address);
        let interface = facts.interfaces.iter().find(|found| found.index == entry.interface);
        if let (true, Some(mac), Some(interface)) = (vip, entry.mac, interface) {
            let interface = interface.name.clone();
            facts.elsewhere.push(Elsewhere { vip: entry.address, mac, interface });
        }
    }
    Ok(())
}

/// The way to each real server. No route at all is no error here: the subnets decide.
async fn routes(facts: &mut Facts, netlink: &Netlink) {
    let servers = facts.config.iter().flat_map(|config| &config.pools).flat_map(Pool::everyone);
    for server in servers {
        if let Ok(route) = netlink.route_to(server.address).await {
            facts.routes.insert(server.address, route);
        }
    }
}

/// What the drivers tell, of these interfaces and the parts of bonds among them.
async fn cards(
    facts: &Facts,
    looked_at: &[Interface],
    links: Option<&Links>,
) -> BTreeMap<String, Card> {
    let parts = looked_at.iter().flat_map(|bond| facts.parts_of(bond));
    let mut cards = BTreeMap::new();
    for interface in looked_at.iter().chain(parts) {
        let mut card = ethtool::card(&interface.name).await;
        let features = netdev::features(interface.index).await;
        card.native = features.map(|features| features.basic);
        card.delivers = features.map(|features| features.transmit);
        card.ours = links.map(|links| links.holds(&interface.name));
        cards.insert(interface.name.clone(), card);
    }
    cards
}

/// Loads the program, and runs the one that passes everything where that is wanted.
fn trial(facts: &mut Facts, looked_at: &[Interface], try_native: bool) {
    let limits = facts.config.as_ref().map_or_else(Limits::default, |config| config.limits);
    let mut trial = match Trial::load(&limits) {
        Ok(trial) => trial,
        Err(error) => {
            facts.loaded = Some(Err(error.to_string()));
            return;
        }
    };
    facts.loaded = Some(Ok(()));
    let free = looked_at.iter().filter(|found| found.ethernet && found.up && found.xdp.is_none());
    for interface in free.filter(|_| try_native) {
        let outcome = trial.native(&interface.name, interface.index).map_err(|error| match error {
            DataPlaneError::NoNative { reason, .. } | DataPlaneError::Attach { reason, .. } => {
                reason
            }
            other => other.to_string(),
        });
        facts.cards.entry(interface.name.clone()).or_default().trial = Some(outcome);
    }
}
