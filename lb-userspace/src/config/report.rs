//! The outcome of reading one file, for a person (as rustc prints it) and for JSON.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Diagnostic, Severity, locate::locate};

/// Diagnostics, with the text they speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name, as the user gave it.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// A place in a file as editors count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Report {
    /// Is nothing wrong?
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// The number of diagnostics so bad.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    /// "2 errors, 1 warning"
    pub fn tally(&self) -> String {
        let count = |severity, word| match self.count(severity) {
            0 => None,
            1 => Some(format!("1 {word}")),
            many => Some(format!("{many} {word}s")),
        };
        let counts = [count(Severity::Error, "error"), count(Severity::Warning, "warning")];
        counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Where a span begins.
    pub fn position(&self, span: &Range<usize>) -> Position {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }

    /// An error about a value that is in order by itself, but not for this host: an interface that does
    /// not exist, a server that cannot be reached. `key` is its place as in [`Diagnostic::key`].
    pub fn host_error(&self, key: &str, message: &str, help: Option<&str>) -> Self {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            message: message.to_owned(),
            key: key.to_owned(),
            span: locate(&self.text, key).unwrap_or(0..0),
            help: help.map(str::to_owned),
            related: Vec::new(),
        };
        Self { diagnostics: vec![diagnostic], ..self.clone() }
    }

    /// As text, with the lines in question; with colours for a terminal.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let blocks: Vec<_> = self
            .diagnostics
            .iter()
            .map(|diagnostic| self.render_one(diagnostic, &renderer))
            .collect();
        blocks.join("\n\n")
    }

    fn render_one(&self, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let primary = AnnotationKind::Primary.span(diagnostic.span.clone()).label(&diagnostic.key);
        let related = diagnostic
            .related
            .iter()
            .map(|other| AnnotationKind::Context.span(other.span.clone()).label(&other.message));
        let snippet =
            Snippet::source(&self.text).path(&self.file).annotation(primary).annotations(related);
        let group = level.primary_title(&diagnostic.message).element(snippet);
        let group = match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        };
        renderer.render(&[group])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

impl Serialize for Report {
    /// `{file, diagnostics: [{severity, message, key, line, column, help, related: [...]}]}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let diagnostics: Vec<_> = self
            .diagnostics
            .iter()
            .map(|diagnostic| DiagnosticJson {
                severity: diagnostic.severity,
                message: &diagnostic.message,
                key: &diagnostic.key,
                position: self.position(&diagnostic.span),
                help: diagnostic.help.as_deref(),
                related: diagnostic
                    .related
                    .iter()
                    .map(|other| RelatedJson {
                        message: &other.message,
                        position: self.position(&other.span),
                    })
                    .collect(),
            })
            .collect();
        let mut report = serializer.serialize_struct("Report", 2)?;
        report.serialize_field("file", &self.file)?;
        report.serialize_field("diagnostics", &diagnostics)?;
        report.end()
    }
}

#[derive(Serialize)]
struct DiagnosticJson<'a> {
    severity: Severity,
    message: &'a str,
    key: &'a str,
    #[serde(flatten)]
    position: Position,
    help: Option<&'a str>,
    related: Vec<RelatedJson<'a>>,
}

#[derive(Serialize)]
struct RelatedJson<'a> {
    message: &'a str,
    #[serde(flatten)]
    position: Position,
}
