//! What agent and supervisor say to each other: a few numbers, so that the supervisor needs no parser.

use std::fmt;

/// Who an unprivileged process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this code.
    Exited(u8),
    /// By this signal.
    Killed(u8),
    /// It could not be started.
    NotStarted,
}

/// What the agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It has started: from now on it is started anew when it ends.
    Ready,
    /// A probe is wanted, and is to be this user. Another one ends.
    Probe(Identity),
    /// The probe says nothing any more.
    Hung,
}

/// What the supervisor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// There is a new probe; the socket to it comes beside this.
    Probe {
        /// Its process number.
        pid: u32,
        /// How many there have been before for this agent.
        before: u32,
        /// How the last one has ended.
        ended: Option<Ending>,
    },
}

/// Bytes of each of them.
pub const LENGTH: usize = 12;

/// What came is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a word that agent and supervisor do not know: are they of one version?")]
pub struct Unknown;

impl Word {
    /// As bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; LENGTH] {
        match self {
            Self::Ready => message(1, [0; 3], 0, 0),
            Self::Probe(Identity { uid, gid }) => message(2, [0; 3], uid, gid),
            Self::Hung => message(3, [0; 3], 0, 0),
        }
    }
}

impl TryFrom<&[u8]> for Word {
    type Error = Unknown;

    fn try_from(bytes: &[u8]) -> Result<Self, Unknown> {
        match fields(bytes)? {
            (1, ..) => Ok(Self::Ready),
            (2, _, uid, gid) => Ok(Self::Probe(Identity { uid, gid })),
            (3, ..) => Ok(Self::Hung),
            _ => Err(Unknown),
        }
    }
}

impl News {
    /// As bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; LENGTH] {
        let Self::Probe { pid, before, ended } = self;
        let ended = match ended {
            None => [0, 0, 0],
            Some(Ending::Exited(code)) => [1, code, 0],
            Some(Ending::Killed(signal)) => [2, signal, 0],
            Some(Ending::NotStarted) => [3, 0, 0],
        };
        message(1, ended, pid, before)
    }
}

impl TryFrom<&[u8]> for News {
    type Error = Unknown;

    fn try_from(bytes: &[u8]) -> Result<Self, Unknown> {
        let (1, ended, pid, before) = fields(bytes)? else { return Err(Unknown) };
        let ended = match ended {
            [0, ..] => None,
            [1, code, _] => Some(Ending::Exited(code)),
            [2, signal, _] => Some(Ending::Killed(signal)),
            [3, ..] => Some(Ending::NotStarted),
            _ => return Err(Unknown),
        };
        Ok(Self::Probe { pid, before, ended })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "it ended with exit code {code}"),
            Self::Killed(signal) => write!(f, "it was killed by signal {signal}"),
            Self::NotStarted => write!(f, "it could not be started"),
        }
    }
}

fn message(tag: u8, small: [u8; 3], one: u32, other: u32) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0] = tag;
    bytes[1..4].copy_from_slice(&small);
    bytes[4..8].copy_from_slice(&one.to_le_bytes());
    bytes[8..].copy_from_slice(&other.to_le_bytes());
    bytes
}

fn fields(bytes: &[u8]) -> Result<(u8, [u8; 3], u32, u32), Unknown> {
    let [tag, a, b, c, one @ .., d, e, f, g]: [u8; LENGTH] =
        bytes.try_into().map_err(|_| Unknown)?;
    Ok((tag, [a, b, c], u32::from_le_bytes(one), u32::from_le_bytes([d, e, f, g])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        for word in [Word::Ready, Word::Probe(Identity { uid: 65_534, gid: 7 }), Word::Hung] {
            assert_eq!(Word::try_from(&word.bytes()[..]), Ok(word));
        }
        let endings =
            [None, Some(Ending::Exited(3)), Some(Ending::Killed(9)), Some(Ending::NotStarted)];
        for ended in endings {
            let news = News::Probe { pid: 4_711, before: 2, ended };
            assert_eq!(News::try_from(&news.bytes()[..]), Ok(news));
        }
    }

    #[test]
    fn what_nobody_says() {
        for bytes in [&[][..], &[1], &[0; LENGTH], &[9; LENGTH], &[1; LENGTH + 1]] {
            assert_eq!(Word::try_from(bytes), Err(Unknown));
            assert_eq!(News::try_from(bytes), Err(Unknown));
        }
    }
}
