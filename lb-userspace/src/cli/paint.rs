//! Colours, where they can be seen and are wanted (<https://no-color.org>).

use std::{
    env,
    io::{self, IsTerminal},
};

/// Puts colour on words, or leaves them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// ANSI sequences.
    Ansi,
    /// As they are.
    Plain,
}

/// What a colour says. Every sequence has the same length, so that the cells of a table that are
/// all painted stay in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Not as it usually is.
    Odd,
    /// Broken.
    Bad,
    /// Nothing in particular.
    Usual,
    /// A heading.
    Title,
}

impl Paint {
    /// What standard output can show.
    pub(super) fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// What standard error can show.
    pub(super) fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(output: &impl IsTerminal) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if output.is_terminal() && !refused { Self::Ansi } else { Self::Plain }
    }

    /// `text` in the colour of `tone`.
    pub(super) fn put(self, tone: Tone, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[{}m{text}\x1b[0m", tone.code()),
        }
    }
}

impl Tone {
    /// What the state of a real server, of its check or of its next hop looks like.
    pub(super) fn of_state(state: &str) -> Self {
        match state {
            "up" | "reachable" => Self::Good,
            "down" | "damped" | "ejected" | "failing" => Self::Bad,
            _ => Self::Odd,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Odd => "33",
            Self::Bad => "31",
            Self::Usual => "39",
            Self::Title => "01",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_or_none() {
        assert_eq!(Paint::Plain.put(Tone::Bad, "down"), "down");
        assert_eq!(Paint::Ansi.put(Tone::of_state("down"), "down"), "\x1b[31mdown\x1b[0m");
    }

    #[test]
    fn sequences_are_of_one_length() {
        for tone in [Tone::Good, Tone::Odd, Tone::Bad, Tone::Usual, Tone::Title] {
            assert_eq!(tone.code().len(), 2, "{tone:?}");
        }
    }

    #[test]
    fn a_pipe_gets_no_colours() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Paint::of(&file), Paint::Plain);
    }
}
