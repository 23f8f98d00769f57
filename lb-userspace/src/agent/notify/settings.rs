//! Whom to tell, as the configuration has it, made ready on this host.

use std::{collections::BTreeMap, path::Path};

use super::mailer::{Mailer, MailerError};
use crate::{
    agent::script::{Command, Output},
    model::{Config, Name, Notify},
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
pub(super) struct Channels(Notify);

/// Makes ready what a configuration says.
///
/// # Errors
/// Mail cannot be sent from here.
pub(in crate::agent) fn settings(config: &Config) -> Result<Settings, MailerError> {
    let instances =
        config.vrrp.iter().map(|one| (Subject::Instance(one.name.clone()), &one.notify));
    let groups =
        config.vrrp_groups.iter().map(|one| (Subject::Group(one.name.clone()), &one.notify));
    let all = instances.chain(groups);
    let channels = all.map(|(subject, notify)| (subject, Channels(notify.clone()))).collect();
    let member = config.vrrp.iter().filter_map(|one| Some((one.name.clone(), one.group.clone()?)));
    Ok(Settings {
        director: config.node.name.clone(),
        channels,
        members: member.collect(),
        mailer: config.mail.as_ref().map(Mailer::new).transpose()?,
    })
}

impl Channels {
    /// What to run, in this order.
    pub(super) fn commands(&self, change: &Change) -> Vec<Command> {
        let Notify { master, backup, fault, stop, any, user, timeout, .. } = &self.0;
        let one = match change.stance {
            Stance::Master => master,
            Stance::Backup => backup,
            Stance::Fault => fault,
            Stance::Stop => stop,
        };
        let command = |script| Command {
            script,
            user: user.clone(),
            environment: Vec::new(),
            timeout: *timeout,
            // It may start what goes on without it.
            output: Output::Errors,
        };
        // As keepalived does: the script of a state knows what it is for.
        let any = any.as_ref().map(|script| script.with(change.arguments()));
        one.clone().into_iter().chain(any).map(command).collect()
    }

    /// Where lines go.
    pub(super) fn fifo(&self) -> Option<&Path> {
        self.0.fifo.as_deref()
    }

    /// Is it worth a mail?
    pub(super) const fn mail(&self) -> bool {
        self.0.mail
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
            let change = Change { subject: subject.clone(), stance, priority: 100 };
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
