//! Reading the configuration again under traffic: all of it, or nothing.

use anyhow::{Result, bail};
use tracing::{info, warn};

use super::{
    notify,
    placement::Placement,
    run::Agent,
    start::{load, place_added},
    vrrp,
};
use crate::{api::Done, config::Parsed, model::Node};

impl Agent {
    /// Reads the file again and puts it into force, or leaves everything as it is.
    pub(super) async fn reload(&mut self) -> Result<Done, String> {
        let words = |error: anyhow::Error| format!("{error:#}");
        let parsed = load(&self.file, &self.options).map_err(words)?;
        needs_restart(&self.parsed, &parsed).map_err(words)?;
        self.director.guards.check_room(&parsed.config).map_err(|error| error.to_string())?;
        let mut placement =
            Placement::of(&parsed, &self.netlink).await.map_err(|error| error.to_string())?;
        let vrrp = vrrp::wanted(&parsed.config, &self.netlink).await;
        let vrrp = vrrp.map_err(|error| error.to_string())?;
        self.virtual_macs.check(&self.netlink, &vrrp).await.map_err(words)?;
        let notices = notify::settings(&parsed.config).map_err(|error| error.to_string())?;
        let user = parsed.config.node.user.as_deref();
        self.supervised.want_probe(user).await.map_err(words)?;
        self.open_listeners(&parsed).await.map_err(words)?;
        let operator = self.director.operator.clone();
        let mut warnings = place_added(&operator, &mut placement, &parsed, &self.netlink).await;
        self.keep_hops(&placement);
        let before = (self.director.config.clone(), self.director.placement.clone());
        (self.director.config, self.director.placement) = (parsed.config.clone(), placement);
        self.director.lists_known = false;
        let steps = match self.put_into_force().and_then(|steps| self.attach().map(|()| steps)) {
            Ok(steps) => steps,
            Err(error) => {
                (self.director.config, self.director.placement) = before;
                self.director.lists_known = false;
                if let Err(again) = self.put_into_force().and_then(|_| self.attach()) {
                    warn!(error = format!("{again:#}"), "going back to the old configuration");
                }
                return Err(words(error));
            }
        };
        self.parsed = parsed;
        self.forget_next_hops().await;
        self.set_addresses().await;
        self.follow_proxied().await;
        self.follow_cluster().await;
        self.notifier.configure(notices).await;
        if let Err(error) = self.set_vrrp(vrrp).await {
            warnings.push(format!("{error:#}"));
        }
        if !self.parsed.warnings.is_empty() {
            warnings.push(self.parsed.warnings.to_string());
        }
        info!(steps, "configuration reloaded");
        let message = "configuration reloaded".to_owned();
        Ok(Done { message, steps, warnings, ..Done::default() })
    }
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
