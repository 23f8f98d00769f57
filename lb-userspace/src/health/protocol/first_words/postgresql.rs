//! PostgreSQL ("Message Formats" of its manual): does it speak TLS, or, with a user, whom does it ask for a
//! password?

use super::{LONGEST, Unexpected, quoted};
use crate::{
    health::protocol::{Complaint, Conversation, Step},
    model::Login,
};

/// The number that stands for `SSLRequest`, and the version 3.0 of the protocol.
const SSL_REQUEST: u32 = 80_877_103;
const VERSION: u32 = 3 << 16;
/// `Terminate`.
const GOODBYE: &[u8] = b"X\0\0\0\x04";
/// Kind and length.
const HEAD: usize = 5;

/// A conversation with PostgreSQL.
#[derive(Debug)]
pub(in crate::health::protocol) struct Postgresql {
    login: Login,
    said: Vec<u8>,
    leaving: bool,
}

impl Postgresql {
    pub(in crate::health::protocol) const fn new(login: Login) -> Self {
        Self { login, said: Vec::new(), leaving: false }
    }

    const fn wanted(&self) -> &'static str {
        match (&self.login.user, self.leaving) {
            (_, true) => "the end of the connection",
            (None, false) => "an answer to SSLRequest",
            (Some(_), false) => "an answer to a log-in",
        }
    }

    /// One byte: it speaks TLS, or it does not. Both are well.
    fn ssl_answer(&self) -> Result<Step, Unexpected> {
        match self.said.as_slice() {
            [b'S' | b'N', ..] => Ok(Step::Passed),
            // Before it knows the version: an error as of old, a text up to a zero.
            [b'E', ..] => self.error(&self.said[1..]),
            said => Err(Unexpected::other(self.wanted(), said)),
        }
    }

    /// `Authentication…` or `ErrorResponse`.
    fn login_answer(&mut self) -> Result<Step, Unexpected> {
        let Some((&[kind, a, b, c, d], rest)) = self.said.split_first_chunk::<HEAD>() else {
            return Ok(Step::More);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(4..LONGEST).contains(&length) || !matches!(kind, b'R' | b'E') {
            return Err(Unexpected::other(self.wanted(), &self.said));
        }
        let Some(body) = rest.get(..length - 4) else { return Ok(Step::More) };
        if kind == b'E' {
            return Err(Unexpected::Refused(message(body)));
        }
        // Whatever it asks for, it takes connections.
        self.leaving = true;
        Ok(Step::Send(GOODBYE.to_vec()))
    }

    fn error(&self, words: &[u8]) -> Result<Step, Unexpected> {
        match words.iter().position(|&byte| byte == 0) {
            Some(end) => Err(Unexpected::Refused(quoted(&words[..end]))),
            None => Ok(Step::More),
        }
    }
}

/// Fields of an `ErrorResponse`, each a letter and a text: `M` is for people.
fn message(body: &[u8]) -> String {
    let mut fields = body.split(|&byte| byte == 0);
    let message = fields.find_map(|field| field.strip_prefix(b"M"));
    quoted(message.unwrap_or(body))
}

impl Conversation for Postgresql {
    fn opening(&mut self) -> Vec<u8> {
        let body = match &self.login.user {
            None => SSL_REQUEST.to_be_bytes().to_vec(),
            Some(user) => {
                let user = user.as_str().as_bytes();
                [&VERSION.to_be_bytes()[..], b"user\0", user, b"\0\0"].concat()
            }
        };
        let length = u32::try_from(body.len() + size_of::<u32>()).unwrap_or(u32::MAX);
        [&length.to_be_bytes()[..], &body].concat()
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        if self.leaving {
            // What a user without a password is told after the log-in.
            return Ok(Step::More);
        }
        self.said.extend(bytes);
        let step = match self.login.user {
            None => self.ssl_answer()?,
            Some(_) => self.login_answer()?,
        };
        if step == Step::More && self.said.len() > LONGEST {
            return Err(Unexpected::other(self.wanted(), &self.said).into());
        }
        Ok(step)
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        if self.leaving { Ok(()) } else { Err(Unexpected::Closed { wanted: self.wanted() }.into()) }
    }

    fn awaits(&self) -> &'static str {
        self.wanted()
    }
}
