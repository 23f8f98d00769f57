//! Whom to tell, as the configuration has it, made ready on this host: users, passwords, scripts that may be run.

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
    agent::script::{self, Unsafe, User, UserError},
    model::{Config, Name, Notify, PoolNotify, Script},
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
    /// What to run, and when; `None`: whatever happens.
    scripts: Vec<(Option<Stance>, Script)>,
    user: Option<User>,
    timeout: Duration,
    fifo: Option<PathBuf>,
    mail: bool,
    webhook: bool,
}

/// A configuration that this host cannot follow.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum SettingsError {
    /// A script's user.
    #[error("{0}: notify_user: {1}")]
    User(Subject, UserError),
    /// A script that is not run.
    #[error("{0}: the script {script} is not run: {2}", script = .1.display())]
    Script(Subject, PathBuf, Unsafe),
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
/// [`SettingsError`]: the first that cannot be.
pub(in crate::agent) fn settings(config: &Config) -> Result<Settings, SettingsError> {
    let instances =
        config.vrrp.iter().map(|one| (Subject::Instance(one.name.clone()), &one.notify));
    let groups =
        config.vrrp_groups.iter().map(|one| (Subject::Group(one.name.clone()), &one.notify));
    let mut channels = BTreeMap::new();
    for (subject, notify) in instances.chain(groups) {
        let ready = Channels::of_vrrp(notify).ready(&subject, notify.user.as_deref())?;
        channels.insert(subject, ready);
    }
    let mut servers = BTreeMap::new();
    for pool in &config.pools {
        let (notify, name) = (&pool.notify, &pool.name);
        let user = notify.user.as_deref();
        let make = |subject: &Subject, down, up| {
            Channels::of_health(notify, [(Stance::Down, down), (Stance::Up, up)])
                .ready(subject, user)
        };
        let subject = Subject::Pool(name.clone());
        servers.insert(name.clone(), make(&subject, &notify.down, &notify.up)?);
        let quorum = make(&subject, &notify.quorum_down, &notify.quorum_up)?;
        channels.insert(subject, quorum);
        for (server, [up, down]) in &notify.own {
            let subject = Subject::Server { pool: name.clone(), server: server.clone() };
            let own = make(
                &subject,
                if down.is_some() { down } else { &notify.down },
                if up.is_some() { up } else { &notify.up },
            )?;
            channels.insert(subject, own);
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
        let Notify { master, backup, fault, stop, any, timeout, fifo, mail, .. } = notify;
        let scripts = [
            (Some(Stance::Master), master),
            (Some(Stance::Backup), backup),
            (Some(Stance::Fault), fault),
            (Some(Stance::Stop), stop),
            (None, any),
        ];
        let scripts = scripts.into_iter().filter_map(|(at, script)| Some((at, script.clone()?)));
        Self {
            scripts: scripts.collect(),
            user: None,
            timeout: *timeout,
            fifo: fifo.clone(),
            mail: *mail,
            webhook: false,
        }
    }

    fn of_health(notify: &PoolNotify, scripts: [(Stance, &Option<Script>); 2]) -> Self {
        let scripts =
            scripts.into_iter().filter_map(|(at, script)| Some((Some(at), script.clone()?)));
        Self {
            scripts: scripts.collect(),
            user: None,
            timeout: notify.timeout,
            fifo: notify.fifo.clone(),
            mail: notify.mail,
            webhook: notify.webhook,
        }
    }

    fn ready(self, subject: &Subject, user: Option<&str>) -> Result<Self, SettingsError> {
        for (_, script) in &self.scripts {
            script::check(&script.program).map_err(|reason| {
                SettingsError::Script(subject.clone(), script.program.clone(), reason)
            })?;
        }
        let user = user.map(User::named).transpose();
        let user = user.map_err(|error| SettingsError::User(subject.clone(), error))?;
        Ok(Self { user, ..self })
    }

    /// What to run, in this order.
    pub(super) fn commands(&self, change: &Change) -> Vec<script::Command> {
        let due = |at: &Option<Stance>| at.is_none_or(|at| at == change.stance);
        let scripts = self.scripts.iter().filter(|(at, _)| due(at));
        scripts.map(|(_, script)| self.command(script, change)).collect()
    }

    fn command(&self, script: &Script, change: &Change) -> script::Command {
        let words = script.arguments.iter().cloned().chain(change.arguments());
        script::Command {
            program: script.program.clone(),
            arguments: words.map(Into::into).collect(),
            user: self.user.clone(),
            timeout: self.timeout,
        }
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
