//! Whom to tell, as the configuration has it, made ready on this host.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    mailer::{Mailer, MailerError},
    webhook::{Poster, PosterError},
};
use crate::{
    agent::script::{Command, Output},
    model::{Config, Name, Notify, Pool, PoolNotify, Script},
    notify::{Change, Stance, Subject},
};

/// Everything that the task knows.
#[derive(Debug)]
pub(in crate::agent) struct Settings {
    /// How this director is called.
    pub(super) director: Name,
    /// Who is told about whom.
    pub(super) channels: BTreeMap<Subject, Channels>,
    /// Instances that are in a group, with the group.
    pub(super) members: Vec<(Name, Name)>,
    /// Who is told about real servers that have nothing of their own, by pool.
    pub(super) servers: BTreeMap<Name, Channels>,
    /// How mail is sent.
    pub(super) mailer: Option<Mailer>,
    /// How programs elsewhere are told.
    pub(super) poster: Option<Poster>,
}

/// Who is told about an instance or a group.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    scripts: Vec<Called>,
    user: Option<String>,
    timeout: Duration,
    fifo: Option<PathBuf>,
    mail: bool,
    webhook: bool,
}

/// When a script is called, and how.
#[derive(Clone, Debug)]
struct Called {
    /// `None`: whatever happens.
    at: Option<Stance>,
    script: Script,
    /// What has happened stands behind its own arguments.
    told: bool,
}

/// A configuration that this host cannot follow.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum SettingsError {
    /// Mail.
    #[error("[mail]: {0}")]
    Mail(#[from] MailerError),
    /// Webhooks.
    #[error("[webhook]: {0}")]
    Webhook(#[from] PosterError),
}

/// Makes ready what a configuration says.
///
/// # Errors
/// Mail cannot be sent from here.
pub(in crate::agent) fn settings(config: &Config) -> Result<Settings, SettingsError> {
    let instances =
        config.vrrp.iter().map(|one| (Subject::Instance(one.name.clone()), &one.notify));
    let groups =
        config.vrrp_groups.iter().map(|one| (Subject::Group(one.name.clone()), &one.notify));
    let all = instances.chain(groups);
    let mut channels: BTreeMap<_, _> =
        all.map(|(subject, notify)| (subject, Channels::of_vrrp(notify))).collect();
    let mut servers = BTreeMap::new();
    for Pool { name, notify, .. } in &config.pools {
        let make = |down: &Option<Script>, up: &Option<Script>| {
            Channels::of_health(notify, [(Stance::Down, down), (Stance::Up, up)])
        };
        servers.insert(name.clone(), make(&notify.down, &notify.up));
        let quorum = make(&notify.quorum_down, &notify.quorum_up);
        channels.insert(Subject::Pool(name.clone()), quorum);
        for (server, [up, down]) in &notify.own {
            let subject = Subject::Server { pool: name.clone(), server: server.clone() };
            let down = if down.is_some() { down } else { &notify.down };
            let up = if up.is_some() { up } else { &notify.up };
            channels.insert(subject, make(down, up));
        }
    }
    let member = config.vrrp.iter().filter_map(|one| Some((one.name.clone(), one.group.clone()?)));
    Ok(Settings {
        director: config.node.name.clone(),
        channels,
        members: member.collect(),
        servers,
        poster: config.webhook.as_ref().map(Poster::new).transpose()?,
        mailer: config.mail.as_ref().map(Mailer::new).transpose()?,
    })
}

impl Settings {
    /// Who is told about somebody.
    pub(super) fn channels_of(&self, subject: &Subject) -> Option<&Channels> {
        self.channels.get(subject).or_else(|| match subject {
            Subject::Server { pool, .. } => self.servers.get(pool),
            Subject::Instance(_) | Subject::Group(_) | Subject::Pool(_) => None,
        })
    }
}

impl Channels {
    fn of_vrrp(notify: &Notify) -> Self {
        let Notify { master, backup, fault, stop, any, user, timeout, fifo, mail } = notify;
        let scripts = [
            (Some(Stance::Master), master),
            (Some(Stance::Backup), backup),
            (Some(Stance::Fault), fault),
            (Some(Stance::Stop), stop),
            (None, any),
        ];
        // As keepalived does: the script of a state knows what it is for.
        let called = |(at, script): (Option<Stance>, &Option<Script>)| {
            Some(Called { at, script: script.clone()?, told: at.is_none() })
        };
        Self {
            scripts: scripts.into_iter().filter_map(called).collect(),
            user: user.clone(),
            timeout: *timeout,
            fifo: fifo.clone(),
            mail: *mail,
            webhook: false,
        }
    }

    fn of_health(notify: &PoolNotify, scripts: [(Stance, &Option<Script>); 2]) -> Self {
        // The same script serves many real servers.
        let called = |(at, script): (Stance, &Option<Script>)| {
            Some(Called { at: Some(at), script: script.clone()?, told: true })
        };
        Self {
            scripts: scripts.into_iter().filter_map(called).collect(),
            user: notify.user.clone(),
            timeout: notify.timeout,
            fifo: notify.fifo.clone(),
            mail: notify.mail,
            webhook: notify.webhook,
        }
    }

    /// What to run, in this order.
    pub(super) fn commands(&self, change: &Change) -> Vec<Command> {
        let due =
            self.scripts.iter().filter(|called| called.at.is_none_or(|at| at == change.stance));
        let command = |called: &Called| Command {
            script: if called.told {
                called.script.with(change.arguments())
            } else {
                called.script.clone()
            },
            user: self.user.clone(),
            environment: Vec::new(),
            timeout: self.timeout,
            // It may start what goes on without it.
            output: Output::Errors,
        };
        due.map(command).collect()
    }

    /// Where lines go.
    pub(super) fn fifo(&self) -> Option<&Path> {
        self.fifo.as_deref()
    }

    /// Is it worth a mail?
    pub(super) const fn mail(&self) -> bool {
        self.mail
    }

    /// Is a program elsewhere told?
    pub(super) const fn webhook(&self) -> bool {
        self.webhook
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_script_for_all_states_is_told_which() {
        let text = "[node]\nname = \"a\"\ninterface = \"eth0\"\n\
            [[vrrp]]\nname = \"v\"\ninterface = \"eth0\"\nvirtual_router_id = 1\naddresses = [\"10.9.9.1\"]\n\
            notify_master = [\"/m\", \"up\"]\nnotify_fault = \"/f\"\nnotify = [\"/n\", \"x\"]\n";
        let config = crate::config::parse("lb.toml", text).unwrap_or_else(|e| panic!("{e}")).config;
        let settings = settings(&config).unwrap();
        let (subject, channels) = settings.channels.first_key_value().unwrap();
        let called = |stance| {
            let change = Change::vrrp(subject.clone(), stance, 100);
            let line = |Command { script, .. }: Command| {
                format!("{} {}", script.program.display(), script.arguments.join(" "))
            };
            channels.commands(&change).into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(called(Stance::Master), ["/m up", "/n x INSTANCE v MASTER 100"]);
        assert_eq!(called(Stance::Fault), ["/f ", "/n x INSTANCE v FAULT 100"]);
        assert_eq!(called(Stance::Stop), ["/n x INSTANCE v STOP 100"]);
    }
}
