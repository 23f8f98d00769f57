//! What a check has found.

use std::fmt;

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// `lb run` would not start, or would not forward.
    Error,
    /// It would run, but slower, or not for every packet.
    Warning,
    /// Worth knowing.
    Hint,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: `eth0`, `net.ipv4.conf.eth0.rp_filter`.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
    /// Why that matters.
    pub why: String,
    /// The command or setting that mends it.
    pub remedy: String,
}

impl Finding {
    pub(super) fn new(severity: Severity, subject: impl Into<String>) -> Self {
        let (subject, problem, why, remedy) =
            (subject.into(), String::new(), String::new(), String::new());
        Self { severity, subject, problem, why, remedy }
    }

    pub(super) fn error(subject: impl Into<String>) -> Self {
        Self::new(Severity::Error, subject)
    }

    pub(super) fn warning(subject: impl Into<String>) -> Self {
        Self::new(Severity::Warning, subject)
    }

    pub(super) fn hint(subject: impl Into<String>) -> Self {
        Self::new(Severity::Hint, subject)
    }

    pub(super) fn problem(self, problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), ..self }
    }

    pub(super) fn why(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Hint];
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        })
    }
}
