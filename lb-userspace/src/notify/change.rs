//! A change of a VRRP instance or group, in the words of scripts, FIFOs and letters.

use std::fmt;

use crate::{model::Name, vrrp::machine::State};

/// Whom a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One instance.
    Instance(Name),
    /// Instances that move together.
    Group(Name),
}

impl Subject {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        match self {
            Self::Instance(name) | Self::Group(name) => name,
        }
    }

    /// keepalived's word.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Instance(_) => "INSTANCE",
            Self::Group(_) => "GROUP",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => write!(f, "instance {name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// Where somebody stands, as keepalived names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It has the VIPs.
    Master,
    /// Another director has them, or may have.
    Backup,
    /// It cannot have them.
    Fault,
    /// It has ended.
    Stop,
}

impl From<State> for Stance {
    fn from(state: State) -> Self {
        match state {
            State::Master => Self::Master,
            State::Backup => Self::Backup,
            State::Fault => Self::Fault,
            State::Initialize => Self::Stop,
        }
    }
}

impl Stance {
    /// keepalived's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
        }
    }

    /// What that means.
    const fn words(self) -> &'static str {
        match self {
            Self::Master => "it holds the VIPs",
            Self::Backup => "another director holds the VIPs, or is about to",
            Self::Fault => "it cannot hold the VIPs; `lb vrrp` says why",
            Self::Stop => "it has ended, and has given the VIPs up",
        }
    }
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// To whom.
    pub subject: Subject,
    /// Where it stands now.
    pub stance: Stance,
    /// The priority that it advertises; a group has none: 0.
    pub priority: u8,
}

/// A mail without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// What there is to say.
    pub body: String,
}

impl Change {
    /// The last arguments of a script for all states.
    #[must_use]
    pub fn arguments(&self) -> [String; 4] {
        let name = self.subject.name().to_string();
        let stance = self.stance.as_str().to_owned();
        [self.subject.kind().to_owned(), name, stance, self.priority.to_string()]
    }

    /// A line for a FIFO, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { subject, stance, priority } = self;
        let (kind, name, stance) = (subject.kind(), subject.name(), stance.as_str());
        format!("{kind} \"{name}\" {stance} {priority}\n")
    }

    /// A letter about it, from this director.
    #[must_use]
    pub fn letter(&self, director: &Name) -> Letter {
        let Self { subject, stance, priority } = self;
        let (state, words) = (stance.as_str(), stance.words());
        let priority = match subject {
            Subject::Instance(_) => format!(" Its priority is {priority}."),
            Subject::Group(_) => String::new(),
        };
        Letter {
            subject: format!("{director}: VRRP {subject} is {state}"),
            body: format!("On {director}, VRRP {subject} is {state} now: {words}.{priority}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(subject: fn(Name) -> Subject, state: State, priority: u8) -> Change {
        Change { subject: subject(Name::new("LVS_1").unwrap()), stance: state.into(), priority }
    }

    #[test]
    fn in_the_words_of_keepalived() {
        for (change, arguments, line) in [
            (
                change(Subject::Instance, State::Master, 100),
                ["INSTANCE", "LVS_1", "MASTER", "100"],
                "INSTANCE \"LVS_1\" MASTER 100\n",
            ),
            (
                change(Subject::Instance, State::Backup, 5),
                ["INSTANCE", "LVS_1", "BACKUP", "5"],
                "INSTANCE \"LVS_1\" BACKUP 5\n",
            ),
            (
                change(Subject::Instance, State::Fault, 255),
                ["INSTANCE", "LVS_1", "FAULT", "255"],
                "INSTANCE \"LVS_1\" FAULT 255\n",
            ),
            (
                change(Subject::Group, State::Initialize, 0),
                ["GROUP", "LVS_1", "STOP", "0"],
                "GROUP \"LVS_1\" STOP 0\n",
            ),
        ] {
            assert_eq!(change.arguments(), arguments);
            assert_eq!(change.line(), line);
        }
    }

    #[test]
    fn in_a_letter() {
        let director = Name::new("director-1").unwrap();
        let letter = change(Subject::Instance, State::Master, 100).letter(&director);
        assert_eq!(letter.subject, "director-1: VRRP instance LVS_1 is MASTER");
        let body = "On director-1, VRRP instance LVS_1 is MASTER now: it holds the VIPs. Its priority is 100.\n";
        assert_eq!(letter.body, body);
        let letter = change(Subject::Group, State::Fault, 0).letter(&director);
        assert_eq!(letter.subject, "director-1: VRRP group LVS_1 is FAULT");
        assert!(letter.body.ends_with("it cannot hold the VIPs; `lb vrrp` says why.\n"));
    }
}
