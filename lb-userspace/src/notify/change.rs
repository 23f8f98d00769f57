//! A change of a VRRP instance or group, of a real server or a pool, in the words of scripts, FIFOs, letters and
//! webhooks.

use std::{fmt, net::IpAddr};

use serde::Serialize;

use crate::{model::Name, vrrp::machine::State};

/// Whom a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One instance.
    Instance(Name),
    /// Instances that move together.
    Group(Name),
    /// A real server.
    Server {
        /// Its pool.
        pool: Name,
        /// Its name there.
        server: Name,
    },
    /// A pool, of which the quorum matters.
    Pool(Name),
}

impl Subject {
    /// Its name; of a real server with its pool: `web/web1`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Instance(name) | Self::Group(name) | Self::Pool(name) => name.to_string(),
            Self::Server { pool, server } => format!("{pool}/{server}"),
        }
    }

    /// keepalived's word, as far as it has one.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Instance(_) => "INSTANCE",
            Self::Group(_) => "GROUP",
            Self::Server { .. } => "RS",
            Self::Pool(_) => "POOL",
        }
    }

    /// Is it one of VRRP's?
    #[must_use]
    pub const fn is_vrrp(&self) -> bool {
        matches!(self, Self::Instance(_) | Self::Group(_))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Instance(_) => write!(f, "VRRP instance {name}"),
            Self::Group(_) => write!(f, "VRRP group {name}"),
            Self::Server { .. } => write!(f, "real server {name}"),
            Self::Pool(_) => write!(f, "pool {name}"),
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
    /// A real server is alive again, a pool has its quorum again.
    Up,
    /// A real server has failed, a pool has lost its quorum.
    Down,
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
            Self::Up => "UP",
            Self::Down => "DOWN",
        }
    }

    /// What that means.
    const fn words(self, subject: &Subject) -> &'static str {
        let pool = matches!(subject, Subject::Pool(_));
        match self {
            Self::Master => "it holds the VIPs",
            Self::Backup => "another director holds the VIPs, or is about to",
            Self::Fault => "it cannot hold the VIPs; `lb vrrp` says why",
            Self::Stop => "it has ended, and has given the VIPs up",
            Self::Up if pool => "it has its quorum",
            Self::Down if pool => "it has lost its quorum",
            Self::Up => "it is used again",
            Self::Down => "it is not used any more",
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
    /// The priority that an instance advertises; a group has none: 0. Of a real server its weight, of a pool the weight
    /// that is alive.
    pub number: u32,
    /// More about a real server.
    pub server: Option<ServerNews>,
}

/// What there is to say of a real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNews {
    /// Its address.
    pub address: IpAddr,
    /// Why, in words.
    pub reason: String,
}

/// A change for a program elsewhere.
#[derive(Serialize)]
struct Post<'a> {
    director: &'a str,
    kind: &'a str,
    name: &'a str,
    state: &'a str,
    weight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
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
    /// Of an instance or a group.
    #[must_use]
    pub fn vrrp(subject: Subject, stance: Stance, priority: u8) -> Self {
        Self { subject, stance, number: priority.into(), server: None }
    }

    /// Of a pool's quorum.
    #[must_use]
    pub const fn quorum(pool: Name, holds: bool, alive: u32) -> Self {
        let stance = if holds { Stance::Up } else { Stance::Down };
        Self { subject: Subject::Pool(pool), stance, number: alive, server: None }
    }

    /// The last arguments of a script that is told what has happened.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let (kind, name) = (self.subject.kind().to_owned(), self.subject.name());
        let mut arguments =
            vec![kind, name, self.stance.as_str().to_owned(), self.number.to_string()];
        if let Some(ServerNews { address, reason }) = &self.server {
            arguments.extend([address.to_string(), reason.clone()]);
        }
        arguments
    }

    /// A line for a FIFO, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let (kind, name) = (self.subject.kind(), self.subject.name());
        let (stance, number) = (self.stance.as_str(), self.number);
        let address = self.server.as_ref().map(|server| format!(" {}", server.address));
        format!("{kind} \"{name}\" {stance} {number}{}\n", address.unwrap_or_default())
    }

    /// A letter about it, from this director.
    #[must_use]
    pub fn letter(&self, director: &Name) -> Letter {
        let Self { subject, stance, number, server } = self;
        let (state, words) = (stance.as_str(), stance.words(subject));
        let more = match (subject, server) {
            (Subject::Instance(_), _) => format!(" Its priority is {number}."),
            (Subject::Pool(_), _) => format!(" A weight of {number} is alive."),
            (_, Some(ServerNews { address, reason })) => {
                format!(" Its address is {address}: {reason}.")
            }
            (Subject::Group(_) | Subject::Server { .. }, None) => String::new(),
        };
        Letter {
            subject: format!("{director}: {subject} is {state}"),
            body: format!("On {director}, {subject} is {state} now: {words}.{more}\n"),
        }
    }

    /// The same for a program, in JSON.
    #[must_use]
    pub fn post(&self, director: &Name) -> String {
        let post = Post {
            director: director.as_str(),
            kind: self.subject.kind(),
            name: &self.subject.name(),
            state: self.stance.as_str(),
            weight: self.number,
            address: self.server.as_ref().map(|server| server.address),
            reason: self.server.as_ref().map(|server| server.reason.as_str()),
        };
        // Texts and numbers: they can always be written.
        serde_json::to_string(&post).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(subject: fn(Name) -> Subject, state: State, priority: u8) -> Change {
        Change::vrrp(subject(Name::new("LVS_1").unwrap()), state.into(), priority)
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
    fn of_real_servers_and_pools() {
        let name = |text| Name::new(text).unwrap();
        let server = Change {
            subject: Subject::Server { pool: name("web"), server: name("web1") },
            stance: Stance::Down,
            number: 2,
            server: Some(ServerNews {
                address: "10.8.8.43".parse().unwrap(),
                reason: "connection refused".to_owned(),
            }),
        };
        let expected = ["RS", "web/web1", "DOWN", "2", "10.8.8.43", "connection refused"];
        assert_eq!(server.arguments(), expected);
        assert_eq!(server.line(), "RS \"web/web1\" DOWN 2 10.8.8.43\n");
        let letter = server.letter(&name("d1"));
        assert_eq!(letter.subject, "d1: real server web/web1 is DOWN");
        assert_eq!(
            letter.body,
            "On d1, real server web/web1 is DOWN now: it is not used any more. Its address is 10.8.8.43: connection \
             refused.\n"
        );
        assert_eq!(
            server.post(&name("d1")),
            r#"{"director":"d1","kind":"RS","name":"web/web1","state":"DOWN","weight":2,"address":"10.8.8.43","reason":"connection refused"}"#
        );
        let pool = Change::quorum(name("web"), true, 5);
        assert_eq!(pool.arguments(), ["POOL", "web", "UP", "5"]);
        assert_eq!(pool.line(), "POOL \"web\" UP 5\n");
        let body = "On d1, pool web is UP now: it has its quorum. A weight of 5 is alive.\n";
        assert_eq!(pool.letter(&name("d1")).body, body);
        assert!(pool.post(&name("d1")).ends_with(r#""state":"UP","weight":5}"#));
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
