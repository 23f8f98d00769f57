//! A whole configuration: what a director is told to do.

use std::{collections::BTreeSet, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{
    Check, Limits, Mail, Mode, Name, Node, Pool, Protocol, RealServer, Service, Tracker, VipPath,
    VrrpGroup, VrrpInstance, Webhook,
};

/// A node, its limits, and its services with their pools.
///
/// As the reader builds it, names are unique and every service's pool exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The host itself.
    pub node: Node,
    /// Sizes of the maps in the kernel.
    pub limits: Limits,
    /// Real servers, by what they serve.
    pub pools: Vec<Pool>,
    /// What clients connect to.
    pub services: Vec<Service>,
    /// VIPs that are on one director at a time. Not in JSON: there are passwords among them.
    #[serde(skip)]
    pub vrrp: Vec<VrrpInstance>,
    /// What the instances may make their priorities depend on. Not in JSON either: they go with them.
    #[serde(skip)]
    pub trackers: Vec<Tracker>,
    /// Who is told about sync groups.
    #[serde(skip)]
    pub vrrp_groups: Vec<VrrpGroup>,
    /// How mail is sent, and to whom.
    #[serde(skip)]
    pub mail: Option<Mail>,
    /// A program elsewhere that is told.
    #[serde(skip)]
    pub webhook: Option<Webhook>,
}

impl Config {
    /// The pool of that name.
    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name.as_str() == name)
    }

    /// The services that a pool serves, or that have routes to it.
    pub fn services_of<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = &'a Service> {
        let leads = |service: &&Service| {
            let proxy = service.proxy.as_ref();
            service.pool == pool.name || proxy.is_some_and(|proxy| proxy.routes_to(&pool.name))
        };
        self.services.iter().filter(leads)
    }

    /// True with services of the proxy.
    pub fn has_proxy(&self) -> bool {
        self.services.iter().any(|service| service.proxy.is_some())
    }

    /// False for a pool that only services of the proxy lead to: its servers are reached by the host's own sockets, and no map
    /// knows them.
    pub fn forwards_to(&self, pool: &Pool) -> bool {
        self.services_of(pool).any(|service| service.proxy.is_none()) || !self.proxies_to(pool)
    }

    /// True where a service of the proxy leads to a pool.
    pub fn proxies_to(&self, pool: &Pool) -> bool {
        self.services_of(pool).any(|service| service.proxy.is_some())
    }

    /// Addresses that VRRP adds and removes; nobody else is to.
    pub fn vrrp_addresses(&self) -> BTreeSet<IpAddr> {
        VrrpInstance::all_addresses(&self.vrrp)
    }

    /// True where every VIP that a pool serves is VRRP's, and none of their instances is among the `masters`.
    pub fn serves_elsewhere(&self, pool: &Pool, masters: &BTreeSet<Name>) -> bool {
        let is_elsewhere = |service: &Service| {
            let has = |one: &&VrrpInstance| {
                one.addresses.iter().any(|vip| vip.address() == service.address)
            };
            let mut holders = self.vrrp.iter().filter(has).peekable();
            holders.peek().is_some() && holders.all(|one| !masters.contains(&one.name))
        };
        let mut services = self.services_of(pool).peekable();
        services.peek().is_some() && services.all(is_elsewhere)
    }

    /// True where the services of a pool reach it in tunnels alone: its servers may be behind routers.
    pub fn is_tunnelled(&self, pool: &Pool) -> bool {
        let mut services = self.services_of(pool).peekable();
        services.peek().is_some() && services.all(|service| service.mode == Mode::Tunnel)
    }

    /// The number of real servers, counted once a pool.
    pub fn server_count(&self) -> usize {
        self.pools.iter().map(|pool| pool.servers.len()).sum()
    }

    /// The VIPs through which checks reach a real server of this pool, each once for each way that its packets go: by
    /// direct routing those of the server's own family, in tunnels all.
    pub fn vips_through(&self, pool: &Pool, server: &RealServer) -> Vec<VipPath> {
        let mut paths = Vec::new();
        for service in self.services_of(pool) {
            let vip = service.address;
            let path = match service.mode {
                Mode::DirectRouting if vip.is_ipv4() != server.address.is_ipv4() => continue,
                Mode::DirectRouting => VipPath { vip, tunnel: None },
                Mode::Tcp | Mode::Http => continue,
                Mode::Tunnel => VipPath { vip, tunnel: Some(pool.tunnel) },
            };
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// The port a server's health check goes to: the check's own, else the server's, else the first one of a
    /// service that uses the pool, by a protocol of the check's; 0 where it goes to no port. `None` where nothing
    /// is checked: the pool serves nothing.
    pub fn check_port(&self, pool: &Pool, check: &Check, server: &RealServer) -> Option<u16> {
        let protocols = check.kind.protocols();
        if protocols.is_empty() {
            return Some(0);
        }
        let first = |protocol: &Protocol| {
            self.services_of(pool).find_map(|service| service.first_port(*protocol))
        };
        check.port.or(server.port).or_else(|| protocols.iter().find_map(first))
    }
}
