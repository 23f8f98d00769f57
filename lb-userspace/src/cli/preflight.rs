//! `lb preflight`: would `lb run` work on this host, and well?

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    output,
    paint::{Paint, Tone},
};
use crate::{
    agent, config_file,
    preflight::{self, Facts, Finding, Severity},
};

/// Look at this host, and name what would break or slow direct routing.
///
/// Nothing is changed. Exit code 1 where `lb run` would not start or would not forward. As root it sees more:
/// whether the kernel takes the program, and whose programs are attached.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration that is to be run [default: none: the host as a whole].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Attach a program that passes every packet in native mode for a moment: the sure way to know whether
    /// the driver takes it. Some drivers stop their card for that moment.
    #[arg(long = "try")]
    pub try_native: bool,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Looks, and tells. An error among the findings: exit code 1.
///
/// # Errors
/// The configuration cannot be read or is not valid; the kernel does not answer.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match &args.config {
        Some(file) => Some(config_file::load(file)?.config),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let facts = runtime.block_on(agent::preflight::gather(config, args.try_native))?;
    let outcome = Outcome::of(&facts);
    if args.json {
        output::print_json(&outcome)?;
    } else {
        output::print(&outcome.page(Paint::of_stdout()))?;
    }
    Ok(if outcome.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    errors: usize,
    warnings: usize,
    hints: usize,
    /// The interfaces that were looked at.
    interfaces: Vec<String>,
    findings: Vec<Finding>,
}

impl Outcome {
    fn of(facts: &Facts) -> Self {
        let findings = preflight::findings(facts);
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            hints: count(Severity::Hint),
            interfaces: facts.looked_at().map(|interface| interface.name.clone()).collect(),
            findings,
        }
    }

    fn page(&self, paint: Paint) -> String {
        let mut page = String::new();
        for Finding { severity, subject, problem, why, remedy } in &self.findings {
            let word = paint.put(tone(*severity), &format!("{severity:<7}"));
            let subject = paint.put(Tone::Title, subject);
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{word}  {subject}: {problem}");
            let _ = writeln!(page, "         why: {why}");
            let _ = writeln!(page, "         do:  {remedy}\n");
        }
        page + &self.sentence() + "\n"
    }

    fn sentence(&self) -> String {
        let interfaces = match self.interfaces.as_slice() {
            [] => "no interface".to_owned(),
            names => names.join(", "),
        };
        let counts = [(self.errors, "error"), (self.warnings, "warning"), (self.hints, "hint")];
        let counts: Vec<_> = counts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
            .collect();
        let verdict =
            if self.errors == 0 { "ready for `lb run`" } else { "not ready for `lb run`" };
        let counts =
            if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
        format!("{verdict} ({interfaces}){counts}")
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Odd,
        Severity::Hint => Tone::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity) -> Finding {
        let text = str::to_owned;
        Finding {
            severity,
            subject: text("eth0"),
            problem: text("it is down"),
            why: text("no packet comes in by it"),
            remedy: text("ip link set dev eth0 up"),
        }
    }

    fn outcome(findings: Vec<Finding>) -> Outcome {
        let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
        let hints = findings.len() - errors;
        Outcome { errors, warnings: 0, hints, interfaces: vec!["eth0".to_owned()], findings }
    }

    #[test]
    fn the_page() {
        let page =
            outcome(vec![finding(Severity::Error), finding(Severity::Hint)]).page(Paint::Plain);
        assert_eq!(
            page,
            "error    eth0: it is down\n         why: no packet comes in by it\n         \
             do:  ip link set dev eth0 up\n\n\
             hint     eth0: it is down\n         why: no packet comes in by it\n         \
             do:  ip link set dev eth0 up\n\n\
             not ready for `lb run` (eth0): 1 error, 1 hint\n"
        );
        assert_eq!(outcome(Vec::new()).page(Paint::Plain), "ready for `lb run` (eth0)\n");
    }

    #[test]
    fn what_programs_read() {
        let json = serde_json::to_value(outcome(vec![finding(Severity::Error)])).unwrap();
        assert_eq!(json["errors"], 1);
        assert_eq!(json["findings"][0]["severity"], "error");
        assert_eq!(json["findings"][0]["remedy"], "ip link set dev eth0 up");
    }
}
