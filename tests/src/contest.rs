//! What the guest of `cargo xtask bench ipvs` tells its host: lines of JSON on the serial port.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a line begins with; others are for people.
const START: &str = "bench: ";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// A measurement.
    Round(Round),
    /// Something the reader of the figures should know, such as a setting as the kernel showed it.
    Note(String),
}

/// One director, one load, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// What was sent, in words.
    pub load: String,
    /// Whose turn it was.
    pub director: String,
    /// Packets given to the director.
    pub sent: u64,
    /// Packets that came to a real server.
    pub arrived: u64,
    /// CPU time of all three: the generator, the director and the real servers.
    pub all: Duration,
    /// CPU time of the thread that polls the director's interface: from the frame in the receive queue to
    /// the frame in the peer's.
    pub cpu: Duration,
}

impl Told {
    /// As a line, without its end.
    ///
    /// # Errors
    /// None that a value of this type can cause.
    pub fn to_line(&self) -> serde_json::Result<String> {
        Ok(format!("{START}{}", serde_json::to_string(self)?))
    }

    /// A line; nothing if it is for people.
    pub fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(START)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_as_it_was_told() {
        let round = Told::Round(Round {
            load: "UDP, 1 flow".into(),
            director: "lb".into(),
            sent: 3,
            arrived: 2,
            all: Duration::from_nanos(1_000_000_001),
            cpu: Duration::from_micros(7),
        });
        for told in [round, Told::Note("conntrack: 0".into())] {
            let line = told.to_line().unwrap();
            assert!(line.starts_with("bench: {"), "{line}");
            assert_eq!(Told::from_line(&line), Some(told));
        }
        assert_eq!(Told::from_line("[    2.0] random: crng init done"), None);
    }
}
