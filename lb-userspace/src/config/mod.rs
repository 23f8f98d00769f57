//! The configuration file: TOML text to [`Config`], or everything that is wrong with it, with places.
//!
//! Three steps: the text to a draft (`read`: each value means something), the draft in itself (`validate`:
//! the values fit together), the draft to the model (`build`). The first two report all they find.

mod build;
mod certificates;
mod diagnostic;
mod draft;
mod locate;
mod nearest;
mod read;
mod report;
mod schema;
mod secrets;
mod table;
#[cfg(test)]
mod tests;
mod validate;

pub use certificates::{Certificates, TlsFiles};
pub use diagnostic::{Diagnostic, Related, Severity};
pub use report::{Position, Report};
use toml::de::DeTable;

use self::diagnostic::Sink;
use crate::{certificates::Expiry, model::Config};

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub config: Config,
    /// What in it is probably not meant so; often empty.
    pub warnings: Report,
    /// What the files hold that it names. Nothing, before they are read.
    pub certificates: Certificates,
    /// When those are over, the next first.
    pub expiries: Vec<Expiry>,
}

/// Reads a configuration; `file` is its name in messages.
pub fn parse(file: &str, text: &str) -> Result<Parsed, Report> {
    let mut sink = Sink::default();
    let config = parse_into(text, &mut sink);
    let failed = sink.has_errors();
    let report = Report {
        file: file.to_owned(),
        text: secrets::masked(text),
        diagnostics: sink.into_sorted(),
    };
    match config {
        Some(config) if !failed => {
            let (certificates, expiries) = (Certificates::default(), Vec::new());
            Ok(Parsed { config, warnings: report, certificates, expiries })
        }
        _ => Err(report),
    }
}

fn parse_into(text: &str, sink: &mut Sink) -> Option<Config> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        sink.error(span, "", format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        // What was recovered is guesswork: errors in it would only hide the real ones.
        return None;
    }
    let draft = read::read(&root, sink);
    validate::validate(&draft, sink);
    build::build(draft)
}
