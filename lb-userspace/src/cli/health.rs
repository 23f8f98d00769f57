//! `lb health`: what checks have found, and one check now, step by step.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    thread::sleep,
    time::Duration,
};

use super::{
    UsageError,
    backend::ServerPath,
    client::Client,
    output,
    paint::{Paint, Tone},
    table::{Column, lines},
    units::{count, seconds},
};
use crate::{
    api::{CheckStatus, CheckTest},
    model::{Check, Name},
};

/// From one look to the next with `--watch`.
const PAUSE: Duration = Duration::from_secs(1);
/// What the agent needs beside the time of the checks themselves.
const MARGIN: Duration = Duration::from_secs(10);
/// To the top of the screen, and the rest of it empty.
const FROM_THE_TOP: &str = "\x1b[H\x1b[2J";

/// Show what checks of real servers have found, or make one now.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only those of this pool, or of this real server.
    #[arg(value_name = "POOL[/NAME]")]
    which: Option<Which>,
    /// Show them again every second, until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Make the checks of a real server now, and show each step; no state changes by it. Exit code 1: one has not
    /// passed.
    Test {
        /// The real server.
        #[arg(value_name = "POOL/NAME")]
        server: ServerPath,
        /// Print the steps as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A pool, or one of its real servers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Which {
    pool: Name,
    server: Option<Name>,
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |text: &str| text.parse().map_err(|error| format!("{error}"));
        let (pool, server) = match text.split_once('/') {
            Some((pool, server)) => (pool, Some(name(server)?)),
            None => (text, None),
        };
        Ok(Self { pool: name(pool)?, server })
    }
}

/// Does what was asked for.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    if let Some(Command::Test { server, json }) = args.command {
        return test(&server, json, client);
    }
    let path = args.which.as_ref().map_or_else(
        || "/v1/health".to_owned(),
        |which| match &which.server {
            Some(server) => format!("/v1/health?pool={}&server={server}", which.pool),
            None => format!("/v1/health?pool={}", which.pool),
        },
    );
    if args.json {
        let checks: Vec<CheckStatus> = client.get(&path)?;
        output::print_json(&checks)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.watch && !io::stdout().is_terminal() {
        let words = "--watch is for a terminal: leave it out, or use --json".to_owned();
        return Err(UsageError(words).into());
    }
    loop {
        let checks: Vec<CheckStatus> = client.get(&path)?;
        let text = if checks.is_empty() {
            "no checks: no pool here has a `check`\n".to_owned()
        } else {
            text(&checks, Paint::of_stdout())
        };
        if !args.watch {
            output::print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::print(&format!("{FROM_THE_TOP}{text}"))?;
        sleep(PAUSE);
    }
}

fn test(server: &ServerPath, json: bool, client: &Client) -> anyhow::Result<ExitCode> {
    let path = format!("/v1/health/{}/{}/test", server.pool, server.name);
    let tests: Vec<CheckTest> = client.post_within(&path, Check::LONGEST + MARGIN)?;
    if json {
        output::print_json(&tests)?;
    } else {
        let all: Vec<_> = tests.iter().map(|test| steps(test, Paint::of_stdout())).collect();
        output::print(&all.join("\n"))?;
    }
    let passed = tests.iter().all(|test| test.outcome == "passed");
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(checks: &[CheckStatus], paint: Paint) -> String {
    let columns = [
        Column::Text("SERVER"),
        Column::Text("ADDRESS"),
        Column::Text("CHECK"),
        Column::Toned("STATE"),
        Column::Number("SINCE"),
        Column::Number("CHECKS"),
        Column::Number("FAILED"),
        Column::Number("TOOK"),
        Column::Number("NEXT"),
        Column::Text("WHY"),
    ];
    lines(&columns, checks.iter().map(|check| row(check, paint)).collect(), paint)
}

fn row(check: &CheckStatus, paint: Paint) -> Vec<String> {
    let tone = if check.state == "up" && check.contrary == 0 { Tone::Good } else { Tone::Odd };
    let took = check.last.as_ref().map_or_else(String::new, |last| milliseconds(last.took_ms));
    vec![
        format!("{}/{}", check.pool, check.server),
        check.address.clone(),
        check.kind.clone(),
        paint.put(tone, &check.state),
        seconds_of(check.since_seconds),
        count(check.checks),
        count(check.failed),
        took,
        if check.suspended { String::new() } else { format!("{:.1}s", check.next_seconds) },
        why(check),
    ]
}

/// What the last check has found, what that may come to, and what the server wants.
fn why(check: &CheckStatus) -> String {
    let last = check.last.as_ref();
    let mut words = match last.and_then(|last| last.reason.clone()) {
        Some(reason) => reason,
        None if last.is_some() => "answers".to_owned(),
        None => "not checked yet".to_owned(),
    };
    if check.contrary > 0 {
        words += &format!(" ({} of {})", check.contrary, check.needed);
    }
    if let Some(advice) = &check.advice {
        words += &format!("; it says: {advice}");
    }
    if check.suspended {
        words += "; suspended: the VIPs are on another director";
    }
    if let Some(vips) = vips(check) {
        words += &vips;
    }
    words
}

fn vips(check: &CheckStatus) -> Option<String> {
    let vips: Vec<_> = check.vips.iter().map(ToString::to_string).collect();
    (!vips.is_empty()).then(|| format!("; through {}", vips.join(", ")))
}

/// A line for each step, and the verdict.
fn steps(test: &CheckTest, paint: Paint) -> String {
    let mut text = format!("check {}: {} to {}\n", test.check, test.kind, test.address);
    for step in &test.steps {
        text += &format!("{:>11}  {}\n", milliseconds(step.at_ms), step.words);
    }
    let tone = if test.outcome == "passed" { Tone::Good } else { Tone::Odd };
    let outcome = paint.put(tone, &test.outcome);
    let reason = test.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    text + &format!("{:>11}  {outcome}{reason}\n", milliseconds(test.took_ms))
}

fn milliseconds(time: f64) -> String {
    if time < 100.0 { format!("{time:.2}ms") } else { format!("{time:.0}ms") }
}

/// Whole seconds.
fn seconds_of(time: f64) -> String {
    // Negative or beyond what fits is not said by any agent.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    seconds(time as u64)
}

#[cfg(test)]
#[path = "health_test.rs"]
mod tests;
