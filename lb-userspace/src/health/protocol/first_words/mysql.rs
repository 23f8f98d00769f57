//! MySQL and MariaDB ("Connection Phase" of MySQL's internals manual): the greeting, or, with a user, a log-in.
//!
//! A server counts connections that end before a log-in, and shuts out a host after `max_connect_errors` of them:
//! with a user, none is counted.

use super::{LONGEST, Unexpected, quoted};
use crate::{
    health::protocol::{Complaint, Conversation, Step},
    model::Login,
};

/// Length of a packet (3 bytes) and its number.
const HEAD: usize = 4;
/// First bytes of packets: a greeting, all well, another way to log in, an error.
const GREETING: u8 = 10;
const OK: u8 = 0;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// `CLIENT_PROTOCOL_41`, `CLIENT_SECURE_CONNECTION`, `CLIENT_PLUGIN_AUTH`.
const CAPABILITIES: u32 = 1 << 9 | 1 << 15 | 1 << 19;
/// `utf8_general_ci`.
const CHARACTERS: u8 = 33;
/// `COM_QUIT`.
const QUIT: u8 = 1;

/// A conversation with MySQL.
#[derive(Debug)]
pub(in crate::health::protocol) struct Mysql {
    login: Login,
    said: Vec<u8>,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Greeting,
    Login,
    Quit,
}

impl Mysql {
    pub(in crate::health::protocol) const fn new(login: Login) -> Self {
        Self { login, said: Vec::new(), turn: Turn::Greeting }
    }

    const fn wanted(&self) -> &'static str {
        match self.turn {
            Turn::Greeting => "a greeting of MySQL",
            Turn::Login => "an answer to a log-in",
            Turn::Quit => "the end of the connection",
        }
    }

    /// The next whole packet: its number, and what is in it.
    fn packet(&mut self) -> Result<Option<(u8, Vec<u8>)>, Unexpected> {
        let Some((&[low, middle, high, number], rest)) = self.said.split_first_chunk::<HEAD>()
        else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        if !(1..LONGEST).contains(&length) {
            return Err(Unexpected::other(self.wanted(), &self.said));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let packet = (number, body.to_vec());
        self.said.drain(..HEAD + length);
        Ok(Some(packet))
    }

    fn answer(&mut self, number: u8, body: &[u8]) -> Result<Step, Unexpected> {
        let kind = body.first().copied().unwrap_or_default();
        match (self.turn, kind) {
            (_, ERROR) => Err(Unexpected::Refused(words_of(body))),
            (Turn::Greeting, GREETING) => match self.login.user.as_ref() {
                None => Ok(Step::Passed),
                Some(user) => {
                    self.turn = Turn::Login;
                    Ok(Step::Send(framed(number.wrapping_add(1), &log_in(user.as_str()))))
                }
            },
            // No password, whatever the way.
            (Turn::Login, SWITCH) => Ok(Step::Send(framed(number.wrapping_add(1), &[]))),
            (Turn::Login, OK) => {
                self.turn = Turn::Quit;
                Ok(Step::Send(framed(0, &[QUIT])))
            }
            _ => Err(Unexpected::other(self.wanted(), body)),
        }
    }
}

/// A number (2 bytes), perhaps `#` and five letters, and words for people.
fn words_of(error: &[u8]) -> String {
    let words = error.get(3..).unwrap_or_default();
    let words = match words {
        [b'#', _, _, _, _, _, words @ ..] => words,
        words => words,
    };
    quoted(words)
}

/// `HandshakeResponse41` without a password.
fn log_in(user: &str) -> Vec<u8> {
    let longest = u32::try_from(LONGEST).unwrap_or(u32::MAX);
    let mut body = Vec::new();
    body.extend(CAPABILITIES.to_le_bytes());
    body.extend(longest.to_le_bytes());
    body.push(CHARACTERS);
    body.extend([0; 23]);
    body.extend(user.as_bytes());
    // The end of the name, and a password of no bytes.
    body.extend([0, 0]);
    body.extend(b"mysql_native_password\0");
    body
}

fn framed(number: u8, body: &[u8]) -> Vec<u8> {
    let [low, middle, high, _] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[low, middle, high, number], body].concat()
}

impl Conversation for Mysql {
    fn opening(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        if self.turn == Turn::Quit {
            return Ok(Step::More);
        }
        self.said.extend(bytes);
        match self.packet()? {
            Some((number, body)) => Ok(self.answer(number, &body)?),
            None => Ok(Step::More),
        }
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        match self.turn {
            Turn::Quit => Ok(()),
            _ => Err(Unexpected::Closed { wanted: self.wanted() }.into()),
        }
    }

    fn awaits(&self) -> &'static str {
        self.wanted()
    }
}
