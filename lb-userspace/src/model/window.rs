//! The transition window: for how long flows from before a change of the pool are told apart.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{DurationError, Pool, parse_duration, show_duration};

/// When a transition window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Window {
    /// So long after the last change; later while flows are active that it would move.
    For(Duration),
    /// Once no flow is left that it would move.
    UntilDrained,
}

/// Why a text is not a [`Window`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Neither a duration nor the word.
    #[error("{0} (or write `{word}`)", word = Window::UNTIL_DRAINED)]
    Form(#[from] DurationError),
    /// Too short or too long.
    #[error(
        "`{}` is out of range: the window is {} to {}, or `{word}`",
        show_duration(*.0),
        show_duration(Pool::SHORTEST_WINDOW),
        show_duration(Pool::LONGEST_WINDOW),
        word = Window::UNTIL_DRAINED
    )]
    Range(Duration),
}

impl Window {
    const UNTIL_DRAINED: &str = "until-drained";

    /// A window of a certain length, if it is in range.
    pub fn new(length: Duration) -> Result<Self, WindowError> {
        if (Pool::SHORTEST_WINDOW..=Pool::LONGEST_WINDOW).contains(&length) {
            Ok(Self::For(length))
        } else {
            Err(WindowError::Range(length))
        }
    }

    /// Its length; until drained: the least it has, which is that of a pool that names none.
    pub const fn length(self) -> Duration {
        match self {
            Self::For(length) => length,
            Self::UntilDrained => Pool::DEFAULT_WINDOW,
        }
    }

    /// For how long a flow may be silent and still hold the window open.
    pub const fn patience(self) -> Duration {
        match self {
            Self::For(length) => length,
            Self::UntilDrained => Pool::LONGEST_WINDOW,
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::For(Pool::DEFAULT_WINDOW)
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        match text {
            Self::UNTIL_DRAINED => Ok(Self::UntilDrained),
            _ => Self::new(parse_duration(text)?),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(length) => f.pad(&show_duration(*length)),
            Self::UntilDrained => f.pad(Self::UNTIL_DRAINED),
        }
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["10s", "15m", "24h", "until-drained"] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
        }
        assert_eq!(Window::default().to_string(), "15m");
        assert_eq!(Window::UntilDrained.length(), Duration::from_secs(900));
        assert_eq!(Window::default().patience(), Duration::from_secs(900));
        assert_eq!(Window::UntilDrained.patience(), Pool::LONGEST_WINDOW);
    }

    #[test]
    fn refused() {
        assert_eq!(
            "9s".parse::<Window>().unwrap_err().to_string(),
            "`9s` is out of range: the window is 10s to 24h, or `until-drained`"
        );
        for (text, words) in [
            ("25h", "10s to 24h"),
            ("900", "write `900s`"),
            ("drained", "or write `until-drained`"),
        ] {
            let error = text.parse::<Window>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
