//! What is wrong with a configuration, and where.

use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It is used, but probably not what was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, with the allowed range or form.
    pub message: String,
    /// The key it concerns, as in `service[0].ports[1]`; empty for the file as a whole.
    pub key: String,
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
}

/// Another place that a [`Diagnostic`] has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// What is there.
    pub message: String,
}

impl Diagnostic {
    /// Adds what to do about it.
    pub(super) fn help(&mut self, help: impl Into<Option<String>>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Adds another place.
    pub(super) fn related(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Self {
        self.related.push(Related { span, message: message.into() });
        self
    }
}

/// Collects diagnostics while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Sink {
    diagnostics: Vec<Diagnostic>,
}

impl Sink {
    /// Notes an error; more can be said about it by what is returned.
    pub(super) fn error(
        &mut self,
        span: Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, span, key.into(), message.into())
    }

    /// Notes a warning; more can be said about it by what is returned.
    pub(super) fn warning(
        &mut self,
        span: Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, span, key.into(), message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        span: Range<usize>,
        key: String,
        message: String,
    ) -> &mut Diagnostic {
        let diagnostic =
            Diagnostic { severity, message, key, span, help: None, related: Vec::new() };
        self.diagnostics.push_mut(diagnostic)
    }

    /// Is there any error?
    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// All of them, in the order of the text.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        self.diagnostics
    }
}
