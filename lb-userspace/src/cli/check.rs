//! `lb check FILE`: is this configuration valid?

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde::Serialize;

use crate::{
    config::{Parsed, Report},
    config_file::{self, ConfigFileError},
    model::Config,
};

/// Check a configuration file, and report everything that is wrong with it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    #[arg(default_value = "/etc/lb/lb.toml")]
    pub file: PathBuf,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Checks; success if the file can be used, with or without warnings.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let outcome = match config_file::load(&args.file) {
        Ok(parsed) => Ok(parsed),
        Err(ConfigFileError::Invalid(report)) => Err(report),
        Err(other) => return Err(other.into()),
    };
    let exit = if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let (report, config) = match &outcome {
        Ok(Parsed { config, warnings, .. }) => (warnings, Some(config)),
        Err(report) => (report.as_ref(), None),
    };
    if args.json {
        let json = Json { valid: config.is_some(), summary: config.map(Summary::of), report };
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&json)?)?;
    } else {
        print(report, config)?;
    }
    Ok(exit)
}

fn print(report: &Report, config: Option<&Config>) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    if !report.is_empty() {
        let colours = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        writeln!(stderr, "{}\n", report.render(colours))?;
    }
    match config {
        Some(config) => writeln!(std::io::stdout(), "{}", sentence(report, &Summary::of(config))),
        None => writeln!(stderr, "{} is not valid: {}", report.file, report.tally()),
    }
}

/// What there is in a configuration.
#[derive(Clone, Copy, Debug, Serialize)]
struct Summary {
    services: usize,
    pools: usize,
    real_servers: usize,
}

impl Summary {
    fn of(config: &Config) -> Self {
        Self {
            services: config.services.len(),
            pools: config.pools.len(),
            real_servers: config.server_count(),
        }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    valid: bool,
    summary: Option<Summary>,
    #[serde(flatten)]
    report: &'a Report,
}

fn sentence(report: &Report, summary: &Summary) -> String {
    let Summary { services, pools, real_servers } = *summary;
    let warnings = if report.is_empty() { String::new() } else { format!(" ({})", report.tally()) };
    format!(
        "{} is valid{warnings}: {}, {}, {}",
        report.file,
        count(services, "service"),
        count(pools, "pool"),
        count(real_servers, "real server"),
    )
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        let report =
            Report { file: "lb.toml".to_owned(), text: String::new(), diagnostics: Vec::new() };
        let summary = Summary { services: 2, pools: 1, real_servers: 7 };
        assert_eq!(
            sentence(&report, &summary),
            "lb.toml is valid: 2 services, 1 pool, 7 real servers"
        );
    }

    #[test]
    fn the_exit_code_tells() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lb.toml");
        for (text, code) in [
            ("[node]\nname = \"a\"\ninterface = \"eth0\"\n", ExitCode::SUCCESS),
            ("[node]\nname = \"a\"\n", ExitCode::FAILURE),
        ] {
            std::fs::write(&file, text).unwrap();
            for json in [false, true] {
                assert_eq!(run(&Args { file: file.clone(), json }).unwrap(), code, "{text}");
            }
        }
        assert!(run(&Args { file: folder.path().join("none"), json: false }).is_err());
    }
}
