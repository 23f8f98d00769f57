//! The agent's part: opens the sockets that a configuration needs, and tells the worker what is served there.

use std::{
    collections::BTreeMap, collections::BTreeSet, io, net::IpAddr, net::SocketAddr, num::NonZero,
    os::fd::AsFd as _, sync::Arc, thread,
};

use anyhow::{Result, anyhow};
use lb_common::abi::Address;
use tracing::{info, warn};

use super::{conversation::Orders, listeners::Seat};
use crate::{
    agent::{director::Director, run::Agent},
    balance::{Standing, Thread},
    config::Parsed,
    health::{Advice, Several},
    model::{Config, OnDown, Pool, RealServer, Service},
    plan::{Admin, MemberStatus, Ramp, Roster},
    proxy::worker::message::{self, Member, Members},
};

/// How a warning begins about what the worker does.
const NOT_SERVED: &str = "the proxy: ";

impl Agent {
    /// Opens the sockets that a configuration needs. Those that it does not need stay.
    ///
    /// # Errors
    /// One cannot be opened: why, and for which line of the file. Others may be open then.
    pub(in crate::agent) async fn open_listeners(&mut self, parsed: &Parsed) -> Result<()> {
        let wanted: Vec<_> = seats(&parsed.config).collect();
        let seats = wanted.iter().map(|(_, seat)| *seat);
        let opened = self.listeners.open(seats).map_err(|(address, error)| {
            let service = wanted.iter().find(|(_, (at, _))| *at == address);
            let key =
                service.map_or_else(String::new, |(index, _)| format!("service[{index}].ports"));
            let (words, help) = refusal(address, &error);
            anyhow!(
                "the configuration does not fit this host\n{}",
                parsed.warnings.host_error(&key, &words, help)
            )
        })?;
        for listener in opened {
            self.supervised.keep(listener.number, listener.socket.as_fd()).await;
        }
        Ok(())
    }

    /// Has the worker serve what is in force, by sockets that are open, and closes the others. A worker that does not do it
    /// is warned of.
    pub(in crate::agent) async fn follow_proxied(&mut self) {
        self.warnings.retain(|warning| !warning.starts_with(NOT_SERVED));
        if let Err(error) = self.serve_proxied().await {
            warn!(%error, "the proxy does not follow");
            self.warnings.push(format!("{NOT_SERVED}{error}"));
        }
    }

    async fn serve_proxied(&mut self) -> Result<()> {
        let config = &self.director.effective.config;
        let wanted: Vec<_> = seats(config).collect();
        let before = self.proxied.serial();
        if wanted.is_empty() && before == 0 {
            return Ok(());
        }
        let needed: BTreeSet<_> = wanted.iter().map(|(_, seat)| *seat).collect();
        for number in self.listeners.retain(|seat| needed.contains(seat)) {
            self.supervised.forget(number).await;
        }
        let orders = self.orders(before + 1);
        self.supervised.want_worker(self.director.config.node.user.as_deref(), threads()).await?;
        let (serial, services) = (orders.serial, orders.services.len());
        self.proxied.order(orders).await.map_err(|reason| anyhow!(reason))?;
        info!(serial, services, "the worker serves");
        Ok(())
    }

    fn orders(&self, serial: u64) -> Orders {
        let config = &self.director.effective.config;
        let services: Vec<_> =
            config.services.iter().filter(|service| service.proxy.is_some()).cloned().collect();
        let pools = config.pools.iter().filter(|pool| config.proxies_to(pool));
        let pools = pools.map(|pool| {
            let members = self.director.members(pool);
            let kills = pool.rules.on_down == OnDown::Kill;
            Arc::new(message::Pool { proxy: pool.proxy.clone(), kills, members })
        });
        let index = |service: &Service| services.iter().position(|one| one.name == service.name);
        let mut sockets = Vec::new();
        let mut listeners = Vec::new();
        for (number, seat) in seats(config) {
            let (Some(listener), Some(service)) =
                (self.listeners.at(&seat), index(&config.services[number]))
            else {
                continue;
            };
            listeners.push(message::Listener { number: listener.number, service, thread: seat.1 });
            sockets.push(listener.clone());
        }
        Orders {
            serial,
            seed: self.director.keys.salt(Address::default()),
            pools: pools.collect(),
            seats: listeners.into(),
            services: services.into(),
            certificates: self.parsed.certificates.clone(),
            sockets,
        }
    }

    /// Tells the worker what has become of the real servers.
    pub(in crate::agent) fn tell_worker(&self) {
        let config = &self.director.effective.config;
        self.proxied.change(|known| {
            config.pool(known.pool.as_str()).map(|pool| self.director.members(pool))
        });
    }
}

impl Director {
    /// The members of a pool, and what may be done with each: the pool's rules have decided already.
    fn members(&self, pool: &Pool) -> Members {
        let roster = self.rosters.get(&pool.name);
        let is_open = |server: &RealServer| roster.is_some_and(|roster| roster.is_open(server));
        let has_anybody = roster.is_some_and(Roster::has_anybody);
        let members = pool.everyone().filter_map(|server| {
            let open = if pool.is_sorry(server) { !has_anybody } else { is_open(server) };
            self.member(pool, server, open)
        });
        Members { pool: pool.name.clone(), members: members.collect() }
    }

    /// Which part of new requests each gets, by weight.
    pub(in crate::agent) fn shares_of_proxy(&self, pool: &Pool) -> BTreeMap<IpAddr, f64> {
        let members = self.members(pool).members;
        let up = || members.iter().filter(|member| member.standing == Standing::Up);
        let part = |member: &Member| f64::from(member.weight.get()) * f64::from(member.ramp.get());
        let all: f64 = up().map(part).sum();
        up().map(|member| (member.address.ip(), part(member) / all.max(1.0))).collect()
    }

    /// `None` without a port, which the proxy cannot do without.
    fn member(&self, pool: &Pool, server: &RealServer, open: bool) -> Option<Member> {
        let place = (pool.name.clone(), server.address);
        let advice = self.checks.get(&place).map_or(Advice::NONE, Several::advice);
        let ramp = self.slow.ramp(&pool.name, server.address);
        let status = MemberStatus { ramp, advice, ..MemberStatus::default() };
        let parts = status.parts();
        let standing = match self.admin(pool, server) {
            Admin::Maintenance => Standing::Maintenance,
            _ if open && parts > 0 => Standing::Up,
            Admin::Drain => Standing::Drain,
            Admin::Ready if self.down.contains(&place) => Standing::Down,
            Admin::Ready => Standing::Drain,
        };
        Some(Member {
            name: server.name.clone(),
            address: SocketAddr::new(server.address, server.port?),
            weight: status.weight(server),
            ramp: Ramp::new(u8::try_from(parts).unwrap_or(u8::MAX)),
            standing,
            max_connections: server.max_connections,
        })
    }
}

/// Where each service of the proxy listens: its index, and the seats.
fn seats(config: &Config) -> impl Iterator<Item = (usize, Seat)> {
    let services = config.services.iter().enumerate();
    let proxied = services.filter(|(_, service)| service.proxy.is_some());
    proxied.flat_map(|(index, service)| {
        let ports = service.ports.iter().flat_map(|spec| spec.first..=spec.last);
        ports.flat_map(move |port| {
            let address = SocketAddr::new(service.address, port);
            (0..threads()).map(move |thread| (index, (address, thread)))
        })
    })
}

/// Data threads of the worker: one for each CPU that this process may use.
fn threads() -> u8 {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    u8::try_from(cpus).unwrap_or(Thread::MAX).min(Thread::MAX)
}

/// Why nothing listens there, and what to do about it.
fn refusal(address: SocketAddr, error: &io::Error) -> (String, Option<&'static str>) {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            Some("another program listens there: stop it, or take another port or address")
        }
        _ => None,
    };
    (format!("nothing can listen at {address}: {error}"), help)
}
