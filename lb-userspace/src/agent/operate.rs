//! Carrying out an operator's word, or nothing of it.

use std::time::Instant;

use anyhow::Result;
use tracing::info;

use super::{files, host::Wanted, run::Agent};
use crate::{
    api::{Change, Done},
    model::Name,
};

impl Agent {
    /// Carries out an operator's word, or nothing of it.
    pub(super) async fn change(&mut self, pool: &Name, change: Change) -> Result<Done, String> {
        let words = describe(pool, &change);
        let mut operator = self.director.operator.clone();
        let config = &self.director.config;
        let mut place = None;
        let is_forwarded = config.pool(pool.as_str()).is_some_and(|pool| config.forwards_to(pool));
        if let Change::Add(server) = &change
            && is_forwarded
        {
            let (name, address) = (server.name.as_str(), server.address);
            let tunnelled =
                config.pool(pool.as_str()).is_some_and(|pool| config.is_tunnelled(pool));
            let wanted = Wanted { name, address, tunnelled };
            let found = self.director.placement.find(&wanted, &self.netlink).await;
            place = Some((address, found.map_err(|error| error.to_string())?));
        }
        match change {
            Change::Add(new) => operator.add(config, pool, new.into()),
            Change::Remove(server) => operator.remove(config, pool, &server),
            Change::State(server, new) => operator.set_state(config, pool, &server, new.state),
            Change::Weight(server, new) => operator.set_weight(config, pool, &server, new.weight),
        }
        .map_err(|error| error.to_string())?;
        if let Some((address, found)) = place {
            self.director.placement.insert(address, found);
        }
        let before = std::mem::replace(&mut self.director.operator, operator);
        let steps = match self.put_into_force() {
            Ok(steps) => steps,
            Err(error) => {
                self.director.operator = before;
                self.converge();
                return Err(format!("{error:#}"));
            }
        };
        self.follow_hooks();
        self.save_operator()?;
        info!(change = words, steps, "changed by an operator");
        Ok(Done { message: words, steps, ..Done::default() })
    }

    /// Gives the VIPs of a VRRP instance to another director, or takes them.
    pub(super) async fn move_vips(&mut self, instance: Name, take: bool) -> Result<Done, String> {
        let unknown =
            || format!("there is no VRRP instance {instance}: the configuration has none");
        let vrrp = self.vrrp.as_ref().ok_or_else(unknown)?;
        vrrp.move_vips(instance.clone(), take).await?;
        let message = format!("{instance}: {}", if take { "taken" } else { "released" });
        info!(change = message, "changed by an operator");
        Ok(Done { message, ..Done::default() })
    }

    /// Converges after a change of servers: their checks and next hops follow.
    pub(super) fn put_into_force(&mut self) -> Result<usize> {
        self.director.effective = self.director.operator.apply(&self.director.config);
        self.follow();
        let steps = self.director.converge(&self.neighbours, Instant::now())?;
        self.tell_trackers();
        self.tell_worker();
        self.tell_news();
        Ok(steps)
    }

    fn save_operator(&self) -> Result<(), String> {
        let path = self.parsed.config.node.operator_file();
        files::write(&path, &self.director.operator).map_err(|error| {
            format!("the change is in force but will not survive a restart: {error}")
        })
    }
}

fn describe(pool: &Name, change: &Change) -> String {
    match change {
        Change::Add(server) => {
            format!("{pool}/{}: added at {}, weight {}", server.name, server.address, server.weight)
        }
        Change::Remove(server) => format!("{pool}/{server}: removed"),
        Change::State(server, new) => format!("{pool}/{server}: {}", new.state),
        Change::Weight(server, new) => format!("{pool}/{server}: weight {}", new.weight),
    }
}
