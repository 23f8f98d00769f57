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
    /// A worker is wanted, and a socket to it. One that is another user, or has another number of threads, ends.
    Worker(Crew),
    /// The socket beside this is to be kept, by this number.
    Keep(u32),
    /// The one of this number is not needed any more.
    Forget(u32),
    /// The worker says nothing any more.
    WorkerHung,
}

/// What a worker is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Its user.
    pub identity: Identity,
    /// Its data threads.
    pub threads: u8,
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
    /// There is a worker, which may have served another agent before; the socket to it comes beside this.
    Worker {
        /// Its process number.
        pid: u32,
        /// How many there have been before.
        before: u32,
        /// How the last one has ended.
        ended: Option<Ending>,
    },
    /// The socket beside this was kept by this number.
    Kept(u32),
    /// Those were all that were kept.
    Begin,
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
            Self::Worker(Crew { identity: Identity { uid, gid }, threads }) => {
                message(4, [threads, 0, 0], uid, gid)
            }
            Self::Keep(number) => message(5, [0; 3], number, 0),
            Self::Forget(number) => message(6, [0; 3], number, 0),
            Self::WorkerHung => message(7, [0; 3], 0, 0),
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
            (4, [threads, ..], uid, gid) => {
                Ok(Self::Worker(Crew { identity: Identity { uid, gid }, threads }))
            }
            (5, _, number, _) => Ok(Self::Keep(number)),
            (6, _, number, _) => Ok(Self::Forget(number)),
            (7, ..) => Ok(Self::WorkerHung),
            _ => Err(Unknown),
        }
    }
}

impl News {
    /// Those of a packet, one behind the other.
    pub fn all(bytes: &[u8]) -> impl Iterator<Item = Result<Self, Unknown>> {
        bytes.chunks(LENGTH).map(Self::try_from)
    }

    /// As bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; LENGTH] {
        match self {
            Self::Probe { pid, before, ended } => message(1, written(ended), pid, before),
            Self::Worker { pid, before, ended } => message(2, written(ended), pid, before),
            Self::Kept(number) => message(3, [0; 3], number, 0),
            Self::Begin => message(4, [0; 3], 0, 0),
        }
    }
}

impl TryFrom<&[u8]> for News {
    type Error = Unknown;

    fn try_from(bytes: &[u8]) -> Result<Self, Unknown> {
        match fields(bytes)? {
            (1, ended, pid, before) => Ok(Self::Probe { pid, before, ended: read(ended)? }),
            (2, ended, pid, before) => Ok(Self::Worker { pid, before, ended: read(ended)? }),
            (3, _, number, _) => Ok(Self::Kept(number)),
            (4, ..) => Ok(Self::Begin),
            _ => Err(Unknown),
        }
    }
}

const fn written(ended: Option<Ending>) -> [u8; 3] {
    match ended {
        None => [0, 0, 0],
        Some(Ending::Exited(code)) => [1, code, 0],
        Some(Ending::Killed(signal)) => [2, signal, 0],
        Some(Ending::NotStarted) => [3, 0, 0],
    }
}

const fn read(ended: [u8; 3]) -> Result<Option<Ending>, Unknown> {
    match ended {
        [0, ..] => Ok(None),
        [1, code, _] => Ok(Some(Ending::Exited(code))),
        [2, signal, _] => Ok(Some(Ending::Killed(signal))),
        [3, ..] => Ok(Some(Ending::NotStarted)),
        _ => Err(Unknown),
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
        let identity = Identity { uid: 65_534, gid: 7 };
        for word in [
            Word::Ready,
            Word::Probe(identity),
            Word::Hung,
            Word::Worker(Crew { identity, threads: 64 }),
            Word::Keep(u32::MAX),
            Word::Forget(3),
            Word::WorkerHung,
        ] {
            assert_eq!(Word::try_from(&word.bytes()[..]), Ok(word));
        }
        let endings =
            [None, Some(Ending::Exited(3)), Some(Ending::Killed(9)), Some(Ending::NotStarted)];
        for ended in endings {
            let (pid, before) = (4_711, 2);
            for news in [News::Probe { pid, before, ended }, News::Worker { pid, before, ended }] {
                assert_eq!(News::try_from(&news.bytes()[..]), Ok(news));
            }
        }
        let both = [News::Kept(7), News::Begin];
        let bytes: Vec<_> = both.iter().flat_map(|news| news.bytes()).collect();
        assert_eq!(News::all(&bytes).collect::<Result<Vec<_>, _>>(), Ok(both.to_vec()));
        assert_eq!(News::all(&bytes[..13]).last(), Some(Err(Unknown)));
    }

    #[test]
    fn what_nobody_says() {
        for bytes in [&[][..], &[1], &[0; LENGTH], &[9; LENGTH], &[1; LENGTH + 1]] {
            assert_eq!(Word::try_from(bytes), Err(Unknown));
            assert_eq!(News::try_from(bytes), Err(Unknown));
        }
    }
}
