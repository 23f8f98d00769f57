//! What requests of the proxy say of real servers, and what the director makes of it.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::{director::Director, run::Agent};
use crate::{
    health::{OutlierAction, Outliers, Several, State},
    model::{Name, Observe, show_duration},
    proxy::Suspect,
};

impl Agent {
    /// The worker says that requests fail at a server.
    pub(super) fn suspect(&mut self, suspect: &Suspect) {
        let Suspect { pool, server, errors, last } = suspect;
        let reason = format!("{errors} requests of clients in a row have failed: {last}");
        let Some(action) = self.director.suspect(suspect, &reason, Instant::now()) else { return };
        match action {
            OutlierAction::CheckNow => {}
            OutlierAction::FailCheck => {
                for event in self.prober.fail(pool, server, &reason) {
                    self.health(&event);
                }
            }
            OutlierAction::Condemn => self.prober.condemn(pool, server),
            OutlierAction::Eject { .. } => return self.converge(),
            OutlierAction::Spare => return,
        }
        info!(pool, server, reason, "it is checked now");
        self.prober.check_now(pool, server);
    }
}

impl Director {
    /// Decides what to do about it. Who is not configured to be heard is not: a worker is nobody to be trusted.
    fn suspect(&mut self, suspect: &Suspect, reason: &str, now: Instant) -> Option<OutlierAction> {
        let pool = self.effective.config.pool(&suspect.pool)?;
        let server = pool.server(&suspect.server)?;
        let observe = pool.proxy.observe?;
        let name = &pool.name;
        let known = self.outliers.entry(name.clone()).or_insert_with(|| Outliers::new(observe));
        let counts = |address: IpAddr| {
            known.is_out(&address) || !self.down.contains(&(name.clone(), address))
        };
        let servers = pool.servers.iter().filter(|server| counts(server.address)).count();
        let since = now.saturating_duration_since(self.origin);
        let action = known.suspect(since, &server.address, servers)?;
        match action {
            OutlierAction::Eject { time } => {
                let key = (name.clone(), server.address);
                let reason = format!("{reason}; out for {}", show_duration(time));
                info!(pool = %key.0, server = %server.name, reason, "health");
                if self.mark(&key, State::Down) {
                    self.spread(&key, State::Down, reason);
                }
            }
            OutlierAction::Spare => {
                let (pool, server) = (&suspect.pool, &suspect.server);
                warn!(pool, server, reason, "it stays in use: too many are out already");
            }
            OutlierAction::CheckNow | OutlierAction::FailCheck | OutlierAction::Condemn => {}
        }
        Some(action)
    }

    /// Takes those back whose time out of use is over. Returns true where that changes anything.
    pub(super) fn readmit(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.origin);
        let mut back = Vec::new();
        for (pool, outliers) in &mut self.outliers {
            back.extend(outliers.advance(since).into_iter().map(|address| (pool.clone(), address)));
        }
        let mut changed = false;
        for key in back {
            let found = self.checks.get(&key).map_or(State::Up, Several::state);
            let state = self.state_of(&key, found);
            info!(pool = %key.0, address = %key.1, %state, "its time out of use is over");
            if self.mark(&key, state) {
                self.spread(&key, state, "its time out of use is over".to_owned());
                changed = true;
            }
        }
        changed
    }

    /// Goes by the settings in force.
    pub(super) fn follow_outliers(&mut self) {
        let config = &self.effective.config;
        let observe =
            |pool: &Name| -> Option<Observe> { config.pool(pool.as_str())?.proxy.observe };
        self.outliers.retain(|pool, _| observe(pool).is_some());
        for (name, outliers) in &mut self.outliers {
            let (Some(pool), Some(observe)) = (config.pool(name.as_str()), observe(name)) else {
                continue;
            };
            outliers.change(observe, |address| {
                pool.servers.iter().any(|server| server.address == *address)
            });
        }
    }

    /// Is it out of use because of what requests have met with?
    pub(super) fn is_ejected(&self, (pool, address): &(Name, IpAddr)) -> bool {
        self.outliers.get(pool).is_some_and(|outliers| outliers.is_out(address))
    }

    /// For how long it is out of use yet.
    pub(super) fn ejected_for(&self, (pool, address): &(Name, IpAddr)) -> Option<Duration> {
        let until = self.origin + self.outliers.get(pool)?.out_until(address)?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// When [`Self::readmit`] has something to do.
    pub(super) fn next_return(&self) -> Option<Instant> {
        let all = self.outliers.values().filter_map(Outliers::next_deadline);
        all.min().map(|at| self.origin + at)
    }
}
