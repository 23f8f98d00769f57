//! Whom to tell, as the configuration has it, made ready on this host: users, passwords, scripts that may be run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::mailer::{Mailer, MailerError};
use crate::{
    agent::script::{self, Unsafe, User, UserError},
    model::{Config, Name, Notify, Script},
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
    /// How mail is sent.
    pub(super) mailer: Option<Mailer>,
}

/// Who is told about an instance or a group.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    notify: Notify,
    user: Option<User>,
}

/// A configuration that this host cannot follow.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum SettingsError {
    /// A script's user.
    #[error("VRRP {0}: notify_user: {1}")]
    User(Subject, UserError),
    /// A script that is not run.
    #[error("VRRP {0}: the script {script} is not run: {2}", script = .1.display())]
    Script(Subject, PathBuf, Unsafe),
    /// Mail.
    #[error("[mail]: {0}")]
    Mail(#[from] MailerError),
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
        let ready = Channels::new(&subject, notify)?;
        channels.insert(subject, ready);
    }
    let member = config.vrrp.iter().filter_map(|one| Some((one.name.clone(), one.group.clone()?)));
    Ok(Settings {
        director: config.node.name.clone(),
        channels,
        members: member.collect(),
        mailer: config.mail.as_ref().map(Mailer::new).transpose()?,
    })
}

impl Channels {
    fn new(subject: &Subject, notify: &Notify) -> Result<Self, SettingsError> {
        for script in notify.scripts() {
            script::check(&script.program).map_err(|reason| {
                SettingsError::Script(subject.clone(), script.program.clone(), reason)
            })?;
        }
        let user = notify.user.as_deref().map(User::named).transpose();
        let user = user.map_err(|error| SettingsError::User(subject.clone(), error))?;
        Ok(Self { notify: notify.clone(), user })
    }

    /// What to run, in this order.
    pub(super) fn commands(&self, change: &Change) -> Vec<script::Command> {
        let Notify { master, backup, fault, stop, any, timeout, .. } = &self.notify;
        let one = match change.stance {
            Stance::Master => master,
            Stance::Backup => backup,
            Stance::Fault => fault,
            Stance::Stop => stop,
        };
        let scripts = [one, any].into_iter().flatten();
        scripts.map(|script| self.command(script, change, *timeout)).collect()
    }

    fn command(&self, script: &Script, change: &Change, timeout: Duration) -> script::Command {
        let words = script.arguments.iter().cloned().chain(change.arguments());
        script::Command {
            program: script.program.clone(),
            arguments: words.map(Into::into).collect(),
            user: self.user.clone(),
            timeout,
        }
    }

    /// Where lines go.
    pub(super) fn fifo(&self) -> Option<&Path> {
        self.notify.fifo.as_deref()
    }

    /// Is it worth a mail?
    pub(super) const fn mail(&self) -> bool {
        self.notify.mail
    }
}
