//! Servers that speak in lines: Redis and mail servers.

use super::{LONGEST, LONGEST_REPLY, Unexpected, quoted};
use crate::health::protocol::{Complaint, Conversation, Step};

/// What has been said of the line that is to come.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    /// Takes bytes off `bytes`, up to the end of a line, which it returns without its end. `wanted` is what that
    /// line should say.
    fn take(
        &mut self,
        bytes: &mut &[u8],
        wanted: &'static str,
    ) -> Result<Option<Vec<u8>>, Unexpected> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (begin, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        self.0.extend(begin);
        if self.0.len() > LONGEST {
            return Err(Unexpected::other(wanted, &self.0));
        }
        Ok(end.map(|_| std::mem::take(&mut self.0).trim_ascii_end().to_vec()))
    }
}

/// A PING to a Redis server ("Redis serialization protocol specification").
#[derive(Debug, Default)]
pub(in crate::health::protocol) struct Redis(Line);

const PONG: &str = "+PONG";

impl Conversation for Redis {
    fn opening(&mut self) -> Vec<u8> {
        b"*1\r\n$4\r\nPING\r\n".to_vec()
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<Step, Complaint> {
        let Some(line) = self.0.take(&mut bytes, PONG)? else { return Ok(Step::More) };
        match line.as_slice() {
            b"+PONG" => Ok(Step::Passed),
            // It wants a password: it serves those who have one.
            line if line.starts_with(b"-NOAUTH") => Ok(Step::Passed),
            line if line.starts_with(b"-") => Err(Unexpected::Refused(quoted(line)).into()),
            line => Err(Unexpected::other(PONG, line).into()),
        }
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        Err(Unexpected::Closed { wanted: PONG }.into())
    }

    fn awaits(&self) -> &'static str {
        PONG
    }
}

/// Greeting, EHLO and QUIT with a mail server (RFC 5321 §3.1, §4.1.1.1, §4.1.1.10).
#[derive(Debug, Default)]
pub(in crate::health::protocol) struct Smtp {
    line: Line,
    turn: Turn,
    /// Bytes of the answer that comes.
    heard: usize,
}

/// Whose answer is to come.
#[derive(Clone, Copy, Debug, Default)]
enum Turn {
    #[default]
    Greeting,
    Ehlo,
    Quit,
}

impl Turn {
    const fn wanted(self) -> &'static str {
        match self {
            Self::Greeting => "a greeting with 220",
            Self::Ehlo => "an answer to EHLO with 250",
            Self::Quit => "an answer to QUIT with 221",
        }
    }

    const fn code(self) -> &'static [u8] {
        match self {
            Self::Greeting => b"220",
            Self::Ehlo => b"250",
            Self::Quit => b"221",
        }
    }
}

impl Conversation for Smtp {
    fn opening(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<Step, Complaint> {
        let wanted = self.turn.wanted();
        self.heard += bytes.len();
        if self.heard > LONGEST_REPLY {
            return Err(Unexpected::Endless { wanted }.into());
        }
        loop {
            let Some(line) = self.line.take(&mut bytes, wanted)? else { return Ok(Step::More) };
            if !line.starts_with(self.turn.code()) {
                return Err(Unexpected::other(wanted, &line).into());
            }
            // RFC 5321 §4.2: a hyphen behind the code, and more lines follow.
            if line.get(3) == Some(&b'-') {
                continue;
            }
            if !bytes.is_empty() {
                // RFC 5321 §4.3.1: it waits for its turn.
                return Err(Unexpected::other("silence", bytes).into());
            }
            let (turn, say) = match self.turn {
                Turn::Greeting => (Turn::Ehlo, &b"EHLO lb-check\r\n"[..]),
                Turn::Ehlo => (Turn::Quit, &b"QUIT\r\n"[..]),
                Turn::Quit => return Ok(Step::Passed),
            };
            (self.turn, self.heard) = (turn, 0);
            return Ok(Step::Send(say.to_vec()));
        }
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        Err(Unexpected::Closed { wanted: self.turn.wanted() }.into())
    }

    fn awaits(&self) -> &'static str {
        self.turn.wanted()
    }
}
