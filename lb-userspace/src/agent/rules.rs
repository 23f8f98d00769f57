//! What the pools' rules make of what is known: who is at work in each, and what has changed about that.

use std::{collections::BTreeMap, mem::discriminant, net::IpAddr};

use tracing::info;

use super::{director::Director, neighbour::Neighbours, placement::Placement, run::Agent};
use crate::{
    api::QuorumStatus,
    health::{Advice, Several, Wish},
    model::{Name, OnEmpty, Pool, RealServer},
    notify::Change,
    plan::{
        Admin, Crew, Desired, Inputs, Known, MemberStatus, NextHop, QuorumChange, Roster, Standing,
        desired,
    },
};

impl Director {
    /// What the maps should hold, by what is known now.
    pub(super) fn wanted(&mut self, neighbours: &Neighbours) -> Desired {
        let (down, left_hops, slow) = (&self.down, &self.left_hops, &self.slow);
        let (placement, effective, checks) = (&self.placement, &self.effective, &self.checks);
        let now = |pool: &Name, is_forwarded, address: IpAddr| {
            let place = (pool.clone(), address);
            let advice = checks.get(&place).map_or(Advice::NONE, Several::advice);
            let (healthy, ramp) = (!down.contains(&place), slow.ramp(pool, address));
            let (local, next_hop) = match is_forwarded {
                true => reached(placement, left_hops, neighbours, address),
                false => (true, None),
            };
            MemberStatus { healthy, next_hop, local, ramp, advice }
        };
        // Asked several times of each real server, looked up once.
        let of = |pool: &Pool| -> BTreeMap<_, _> {
            let addresses = pool.everyone().map(|server| server.address);
            let is_forwarded = effective.config.forwards_to(pool);
            addresses.map(|address| (address, now(&pool.name, is_forwarded, address))).collect()
        };
        let pools = effective.config.pools.iter();
        let found: BTreeMap<_, _> = pools.map(|pool| (&pool.name, of(pool))).collect();
        let status = |pool: &Name, address: IpAddr| {
            found.get(pool).and_then(|pool| pool.get(&address)).copied().unwrap_or_default()
        };
        let known = |pool: &Pool, server: &RealServer| {
            let admin = effective.admin(&pool.name, &server.name);
            status(&pool.name, server.address).known(admin)
        };
        let settled = |pool: &Pool| {
            let mut servers = pool.servers.iter().filter(|_| !pool.checks.is_empty());
            servers.all(|server| {
                let several = checks.get(&(pool.name.clone(), server.address));
                several.is_some_and(Several::is_settled)
            })
        };
        let changes = self.quorums.look(effective, known, settled);
        let inputs = Inputs {
            effective,
            numbering: self.ledger.numbering(),
            keys: &self.keys,
            surroundings: &self.surroundings,
            status: &status,
            closed: self.quorums.closed(),
        };
        let mut desired = desired(&inputs, &mut self.rings);
        for QuorumChange { pool, holds, alive } in changes {
            info!(%pool, weight = alive, "{}", if holds { "quorum gained" } else { "quorum lost" });
            self.news.push(Change::quorum(pool, holds, alive));
        }
        let rosters = std::mem::take(&mut desired.rosters);
        say_crews(&self.rosters, &rosters);
        self.rosters = rosters;
        desired
    }

    /// Tells who has become available since the last time: they start slowly, where their pool says so.
    pub(super) fn start_slowly(&mut self, now: std::time::Instant) {
        let (effective, down, checks) = (&self.effective, &self.down, &self.checks);
        let available = |pool: &Pool, server: &RealServer| {
            let several = checks.get(&(pool.name.clone(), server.address));
            effective.admin(&pool.name, &server.name) == Admin::Ready
                && several.is_none_or(|several| several.advice().asks() == Wish::Ready)
                && !down.contains(&(pool.name.clone(), server.address))
        };
        self.slow.look(effective, available, now);
    }
}

impl Agent {
    /// Tells scripts, people and programs what has changed about real servers and pools.
    pub(super) fn tell_news(&mut self) {
        for change in self.director.news.drain(..) {
            self.notifier.tell(change);
        }
    }

    /// Tells the trackers of pools how many real servers that are alive take new flows, and those of services of the proxy
    /// whether they are served.
    pub(super) fn tell_trackers(&self) {
        let rosters = &self.director.rosters;
        self.trackers.tell_pools(|name| rosters.get(name).map(Roster::alive));
        self.trackers.tell_proxies(|service| self.proxied.serves(service));
    }

    /// Who of a pool is at work.
    pub(super) fn crew(&self, pool: &Pool) -> Crew {
        self.director.rosters.get(&pool.name).map_or(Crew::Nobody, Roster::crew)
    }

    /// The quorum of a pool that has one of its own.
    pub(super) fn quorum(&self, pool: &Pool) -> Option<QuorumStatus> {
        let (quorum, standing) = (pool.rules.quorum?, self.director.quorums.of(&pool.name)?);
        let (needed, hysteresis) = (quorum.needed(), quorum.hysteresis());
        let Standing { alive, holds, .. } = standing;
        Some(QuorumStatus { needed, hysteresis, alive, holds })
    }

    /// What is not as it should be in a pool, in words.
    pub(super) fn odd(&self, pool: &Pool) -> Option<String> {
        let instead = match (&pool.sorry, pool.on_empty) {
            (Some(_), _) => "the sorry server is used",
            (None, OnEmpty::Drop) => "packets are dropped",
            (None, OnEmpty::Reject) => "clients are told that nobody is there",
        };
        let lost = self.quorum(pool).filter(|quorum| !quorum.holds);
        let lost = lost.map(|QuorumStatus { needed, alive, .. }| {
            format!("quorum lost: weight {alive} is alive, {needed} is needed")
        });
        let crew = match self.crew(pool) {
            Crew::Servers => None,
            Crew::Backups => Some("backups are used: no other server is alive".to_owned()),
            Crew::Everybody { healthy, all } => {
                Some(format!("panic: {healthy} of {all} servers are alive, so all are used"))
            }
            Crew::Closed => Some(instead.to_owned()),
            Crew::Nobody => Some(format!("no server is left: {instead}")),
        };
        let both: Vec<_> = [lost, crew].into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join("; "))
    }

    /// Is it down, and keeps its flows all the same?
    pub(super) fn keeps_flows(&self, pool: &Pool, server: &RealServer) -> bool {
        let admin = self.director.admin(pool, server);
        let alive = !self.director.down.contains(&(pool.name.clone(), server.address));
        let roster = self.director.rosters.get(&pool.name);
        let known = Known { admin, alive, reached: true };
        !alive && roster.is_some_and(|roster| roster.keeps_flows(pool, known))
    }
}

/// Is it this host, and where is it reached?
fn reached(
    placement: &Placement,
    left: &BTreeMap<IpAddr, NextHop>,
    neighbours: &Neighbours,
    address: IpAddr,
) -> (bool, Option<NextHop>) {
    let next_hop = placement.places.get(&address).and_then(|place| {
        let resolved = placement.next_hop(place, neighbours);
        resolved.or_else(|| left.get(&address).copied())
    });
    (placement.local.contains(&address), next_hop)
}

fn say_crews(before: &BTreeMap<Name, Roster>, now: &BTreeMap<Name, Roster>) {
    for (pool, roster) in now {
        let crew = roster.crew();
        if before.get(pool).is_some_and(|old| discriminant(&old.crew()) != discriminant(&crew)) {
            info!(%pool, %crew, "other real servers are at work");
        }
    }
}
