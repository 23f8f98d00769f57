//! `lb guard`: clients are let in or kept out while traffic runs.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use ipnet::IpNet;

use super::{
    UsageError, backend,
    client::Client,
    output,
    paint::Paint,
    table::{Column, lines},
};
use crate::{
    api::{Done, GuardReport, GuardWord, NewPrefixes},
    model::{Name, parse_network},
    plan::ListOrigin,
};

/// Change the lists of guards, or show them. Changes survive a restart of the agent.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Let clients in; the rate of one source does not count for them.
    Allow(Prefixes),
    /// Keep clients out, connections that they have included.
    Deny(Prefixes),
    /// Take back what was said of clients: the configuration counts again.
    Remove(Prefixes),
    /// Show the prefixes in force.
    List(List),
    /// Take back everything that was said at run time.
    Clear(Clear),
}

#[derive(Clone, Debug, clap::Args)]
struct Prefixes {
    /// Networks or addresses of clients, such as 203.0.113.0/24 or 2001:db8::7.
    #[arg(value_name = "PREFIX", value_parser = parse_network, required_unless_present = "file")]
    prefixes: Vec<IpNet>,
    /// Read more of them from a file: one a line, `#` begins a comment.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// For this service alone [default: every service with a guard].
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,
}

#[derive(Clone, Debug, clap::Args)]
struct List {
    /// Only the list of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,
    /// Print the prefixes as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct Clear {
    /// Only what was said of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,
}

/// Does what was asked for, and says what happened.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let (word, prefixes) = match args.command {
        Command::Allow(prefixes) => (GuardWord::Allow, prefixes),
        Command::Deny(prefixes) => (GuardWord::Deny, prefixes),
        Command::Remove(prefixes) => (GuardWord::Remove, prefixes),
        Command::List(wanted) => return list(&wanted, client),
        Command::Clear(Clear { service }) => {
            let done: Done = client.delete(&path(service.as_ref()))?;
            return backend::report(&done);
        }
    };
    let Prefixes { mut prefixes, file, service } = prefixes;
    if let Some(file) = file {
        let name = file.display().to_string();
        let text = fs::read_to_string(&file).with_context(|| format!("reading {name}"))?;
        prefixes.extend(read(&name, &text)?);
    }
    let done: Done = client.put_json("/v1/guard", &NewPrefixes { service, word, prefixes })?;
    backend::report(&done)
}

/// The prefixes of a file.
fn read(name: &str, text: &str) -> Result<Vec<IpNet>, UsageError> {
    let mut prefixes = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let prefix = parse_network(line).map_err(|error| {
            UsageError(format!("{name}:{number}: {error}; nothing was changed"))
        })?;
        prefixes.push(prefix);
    }
    if prefixes.is_empty() {
        return Err(UsageError(format!("{name} has no prefix: write one a line")));
    }
    Ok(prefixes)
}

fn list(wanted: &List, client: &Client) -> anyhow::Result<ExitCode> {
    let report: GuardReport = client.get(&path(wanted.service.as_ref()))?;
    if wanted.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Names need no escapes.
fn path(service: Option<&Name>) -> String {
    service.map_or_else(|| "/v1/guard".to_owned(), |name| format!("/v1/guard?service={name}"))
}

fn text(report: &GuardReport) -> String {
    let count = format!("{} prefixes, room for {}\n", report.prefixes.len(), report.limit);
    if report.prefixes.is_empty() {
        return count;
    }
    let columns = ["SERVICE", "PREFIX", "ACTION", "FROM"].map(Column::Text);
    let rows = report.prefixes.iter().map(|listed| {
        let service = listed.service.as_ref().map_or("(every)", Name::as_str);
        let from = match listed.from {
            ListOrigin::Configuration => "configuration",
            ListOrigin::Operator => "lb guard",
        };
        let (prefix, action) = (listed.prefix.to_string(), listed.action.to_string());
        vec![service.to_owned(), prefix, action, from.to_owned()]
    });
    lines(&columns, rows.collect(), Paint::Plain) + &count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::ListedPrefix, model::GuardAction};

    #[test]
    fn files_of_prefixes() {
        let text = "# bad neighbours\n203.0.113.0/24\n\n  2001:db8::7  # one host\n";
        let read_all = |text| {
            let prefixes = read("list.txt", text)?;
            Ok::<_, UsageError>(prefixes.iter().map(IpNet::to_string).collect::<Vec<_>>())
        };
        assert_eq!(read_all(text).unwrap(), ["203.0.113.0/24", "2001:db8::7/128"]);
        for (text, words) in [
            ("10.0.0.0/8\n\nten\n", "list.txt:3: `ten` is not a prefix"),
            ("10.0.0.1/8", "the network is 10.0.0.0/8"),
            ("# nothing\n", "list.txt has no prefix"),
        ] {
            let error = read_all(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_table() {
        let listed = |service: Option<&str>, prefix: &str, action, from| ListedPrefix {
            service: service.map(|name| Name::new(name).unwrap()),
            prefix: prefix.parse().unwrap(),
            action,
            from,
        };
        let report = GuardReport {
            limit: 1_024,
            prefixes: vec![
                listed(None, "203.0.113.0/24", GuardAction::Deny, ListOrigin::Operator),
                listed(Some("web"), "fd00::/8", GuardAction::Allow, ListOrigin::Configuration),
            ],
        };
        assert_eq!(
            text(&report),
            "  SERVICE  PREFIX          ACTION  FROM\n\
             \x20 (every)  203.0.113.0/24  deny    lb guard\n\
             \x20 web      fd00::/8        allow   configuration\n\
             2 prefixes, room for 1024\n"
        );
        assert_eq!(path(Some(&Name::new("web").unwrap())), "/v1/guard?service=web");
    }
}
