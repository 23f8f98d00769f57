//! What an agent on a real server says of it: one line of text, as HAProxy's agents send it ("agent-check" in
//! HAProxy's configuration manual).
//!
//! Each answer counts as a whole: what it leaves out is `up`, `ready` and 100 %.

use super::{Complaint, Conversation, Step, quoted};
use crate::health::{Advice, Share, Wish};
use crate::model::Payload;

/// The longest line, in bytes.
const LONGEST: usize = 1 << 10;
const LINE: &str = "the agent's line";

/// Why an agent's word takes a server out, or has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentComplaint {
    /// The agent says so.
    #[error("the agent says {word}{}", reason(.words))]
    Down {
        /// `down`, `failed` or `stopped`.
        word: &'static str,
        /// Its own words.
        words: String,
    },
    /// No line of an agent.
    #[error(
        "expected the line of an agent (`up`, `down`, `drain`, `maint`, `ready` or a percentage), got {0}"
    )]
    Unknown(String),
    /// Nothing came.
    #[error("connection closed before {LINE} had come")]
    Closed,
}

fn reason(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// A conversation with an agent.
#[derive(Debug)]
pub(super) struct Agent {
    send: Payload,
    line: Vec<u8>,
    advice: Advice,
}

impl Agent {
    pub(super) fn new(send: Payload) -> Self {
        Self { send, line: Vec::new(), advice: Advice::default() }
    }

    fn judge(&mut self) -> Result<(), AgentComplaint> {
        self.advice = parse(&self.line)?;
        Ok(())
    }
}

/// The meaning of a line.
fn parse(line: &[u8]) -> Result<Advice, AgentComplaint> {
    let unknown = || AgentComplaint::Unknown(quoted(line));
    let text = std::str::from_utf8(line).map_err(|_| unknown())?;
    // Behind a word that takes the server down, and a `#`, the agent says why.
    let (words, reason) = text.split_once('#').unwrap_or((text, ""));
    let mut words = words.split([' ', '\t', ',']).filter(|word| !word.is_empty()).peekable();
    words.peek().ok_or_else(unknown)?;
    let (mut advice, mut down) = (Advice::default(), None);
    for word in words {
        match word {
            "up" | "ready" => {}
            "down" => down = Some("down"),
            "failed" | "fail" => down = Some("failed"),
            "stopped" => down = Some("stopped"),
            "drain" => advice.wish = Wish::Drain,
            "maint" => advice.wish = Wish::Maintenance,
            word if word.starts_with("maxconn:") => {}
            word => {
                let percent = word.strip_suffix('%').and_then(|number| number.parse().ok());
                advice.share = percent.map(Share::rounded).ok_or_else(unknown)?;
            }
        }
    }
    match down {
        Some(word) => {
            let words = reason.trim().chars().filter(|c| !c.is_control()).take(60).collect();
            Err(AgentComplaint::Down { word, words })
        }
        None => Ok(advice),
    }
}

impl Conversation for Agent {
    fn opening(&mut self) -> Vec<u8> {
        self.send.bytes().to_vec()
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        self.line.extend(&bytes[..end.unwrap_or(bytes.len())]);
        if self.line.len() > LONGEST {
            return Err(AgentComplaint::Unknown(quoted(&self.line)).into());
        }
        if end.is_none() {
            return Ok(Step::More);
        }
        self.judge()?;
        Ok(Step::Passed)
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        if self.line.is_empty() {
            return Err(AgentComplaint::Closed.into());
        }
        Ok(self.judge()?)
    }

    fn awaits(&self) -> &'static str {
        LINE
    }

    fn advice(&self) -> Advice {
        self.advice
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes of a line, however it is cut.
    fn heard(line: &str) -> Result<Advice, String> {
        let play = |piece: usize| {
            let mut agent = Agent::new(Payload::default());
            for piece in line.as_bytes().chunks(piece) {
                match agent.receive(piece).map_err(|why| why.to_string())? {
                    Step::Passed => return Ok(agent.advice()),
                    Step::More => {}
                    Step::Send(bytes) => panic!("says {bytes:?}"),
                }
            }
            agent.closed().map_err(|why| why.to_string())?;
            Ok(agent.advice())
        };
        let whole = play(usize::MAX);
        assert_eq!(play(1).is_ok(), whole.is_ok(), "{line:?}");
        whole
    }

    #[test]
    fn what_agents_say() {
        let usual = Advice::default();
        let share = |percent| Advice { share: Share::rounded(percent), ..usual };
        for (line, advice) in [
            ("up\n", usual),
            ("ready up 100%\r\n", usual),
            ("75%\n", share(75)),
            ("up, 50% , maxconn:30\n", share(50)),
            ("0%", share(0)),
            ("200%\n", share(200)),
            ("drain\n", Advice { wish: Wish::Drain, ..usual }),
            ("maint 25%\n", Advice { wish: Wish::Maintenance, ..share(25) }),
            ("drain ready\n", Advice { wish: Wish::Drain, ..usual }),
            ("up\ndown\n", usual),
        ] {
            assert_eq!(heard(line), Ok(advice), "{line:?}");
        }
    }

    #[test]
    fn who_says_down_is_down() {
        for (line, words) in [
            ("down\n", "the agent says down"),
            ("down 50%\n", "the agent says down"),
            ("failed#disk full\r\n", "the agent says failed: disk full"),
            ("up stopped # nightly backup\n", "the agent says stopped: nightly backup"),
            ("fail\n", "the agent says failed"),
        ] {
            assert_eq!(heard(line), Err(words.to_owned()), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_agent() {
        for line in
            ["\n", "HTTP/1.1 400 Bad Request\r\n", "-5%\n", "%\n", "# why\n", "UP\n", "\u{e4}\n"]
        {
            let why = heard(line).unwrap_err();
            assert!(why.starts_with("expected the line of an agent"), "{line:?}: {why}");
        }
        assert_eq!(heard("").unwrap_err(), "connection closed before the agent's line had come");
        let mut endless = Agent::new(Payload::default());
        assert!((0..100).any(|_| endless.receive(&[b'u'; 100]).is_err()));
    }

    proptest! {
        #[test]
        fn any_line(line in prop::collection::vec(any::<u8>(), 0..80), text in "[a-z0-9%# ,:]{0,40}") {
            let _ = parse(&line);
            if let Ok(advice) = parse(text.as_bytes()) {
                prop_assert!(advice.share.percent() <= Share::MOST.percent());
            }
        }
    }
}
