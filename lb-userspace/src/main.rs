//! `lb`: an XDP load balancer; this is its command line.

use std::{
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use lb_userspace::cli::{
    UsageError, backend, capture, check,
    client::{self, Client, ClientError},
    guard, health, preflight, real_server, reload, run, status, trace, vrrp,
};

/// Frees what another thread has allocated without a lock: with the C library's, a thread of normal priority that loses its
/// CPU inside of it keeps VRRP's thread waiting (`cargo xtask bench lateness`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What was typed cannot be meant.
const USAGE: u8 = 2;

/// A load balancer for Linux routers, by XDP.
#[derive(Debug, Parser)]
#[command(name = "lb", version, arg_required_else_help = true)]
struct Cli {
    /// The agent's control socket, for status, backend, guard, health, trace, capture, vrrp and reload [default: LB_SOCKET, else
    /// /run/lb/lb.sock].
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Preflight(preflight::Args),
    Run(run::Args),
    #[command(hide = true)]
    Agent(run::Args),
    #[command(hide = true)]
    Probe(run::ProbeArgs),
    #[command(hide = true)]
    Worker(run::WorkerArgs),
    Status(status::Args),
    Backend(backend::Args),
    Guard(guard::Args),
    Health(health::Args),
    Trace(trace::Args),
    Capture(capture::Args),
    Reload(reload::Args),
    Vrrp(vrrp::Args),
    RealServer(real_server::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(exit) => exit,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(io::stderr(), "{}", words(&error));
            if error.is::<UsageError>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let agent = |socket| Client::new(client::socket(socket));
    match (cli.command, cli.socket) {
        (Command::Status(args), socket) => status::run(args, &agent(socket)),
        (Command::Backend(args), socket) => backend::run(args, &agent(socket)),
        (Command::Guard(args), socket) => guard::run(args, &agent(socket)),
        (Command::Health(args), socket) => health::run(args, &agent(socket)),
        (Command::Trace(args), socket) => trace::run(args, &agent(socket)),
        (Command::Capture(args), socket) => {
            forgive_closed_pipe(capture::run(&args, &agent(socket)))
        }
        (Command::Vrrp(args), socket) => vrrp::run(args, &agent(socket)),
        (Command::Reload(args), socket) => reload::run(args, &agent(socket)),
        (Command::Check(args), None) => forgive_closed_pipe(check::run(&args)),
        (Command::Preflight(args), None) => preflight::run(&args),
        (Command::Run(args), None) => run::run(args),
        (Command::Agent(args), None) => run::agent(args),
        (Command::Probe(args), None) => run::probe(args),
        (Command::Worker(args), None) => run::worker(args),
        (Command::RealServer(args), None) => real_server::run(&args),
        (Command::Run(_) | Command::Agent(_) | Command::Probe(_) | Command::Worker(_), Some(_)) => {
            Err(UsageError(
                "`lb run` takes its socket from the configuration: set `socket` under [node]"
                    .to_owned(),
            )
            .into())
        }
        (Command::Check(_) | Command::Preflight(_) | Command::RealServer(_), Some(_)) => {
            Err(UsageError(
                "--socket is for status, backend, guard, health, trace, capture, vrrp and reload"
                    .to_owned(),
            )
            .into())
        }
    }
}

/// One line with the whole chain; what the agent says itself stays as it is.
fn words(error: &anyhow::Error) -> String {
    match error.downcast_ref() {
        Some(ClientError::Problem(words)) => words.clone(),
        _ => format!("lb: {error:#}"),
    }
}

/// A reader that has seen enough (`lb check --json | head -1`) is no failure.
fn forgive_closed_pipe(result: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    match result {
        Err(error) if error.downcast_ref().map(io::Error::kind) == Some(ErrorKind::BrokenPipe) => {
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_typed() {
        for line in [
            "lb check lb.toml --json",
            "lb preflight",
            "lb preflight --config lb.toml --try --json",
            "lb run --config lb.toml --keep --interface eth0",
            "lb status --json",
            "lb --socket /run/other.sock status",
            "lb backend --socket /run/other.sock list web",
            "lb backend add web/r3 --address 2001:db8::3 --port 80 --weight 2",
            "lb backend drain web/r3",
            "lb backend maint web/r3",
            "lb backend ready web/r3",
            "lb backend weight web/r3 0",
            "lb backend remove web/r3 --socket /run/other.sock",
            "lb trace tcp 10.0.0.5:4711 10.8.8.40:80 --json",
            "lb health",
            "lb health web --watch",
            "lb health web/r3 --json",
            "lb health test web/r3 --json",
            "lb trace udp [2001:db8::1]:4711 [2001:db8::40]:53",
            "lb capture --service web --real r1 --snap 128 --count 20 -w /tmp/x.pcapng",
            "lb capture --client 2001:db8::/32 --drops --duration 30s -w -",
            "lb reload",
            "lb vrrp --json",
            "lb vrrp release LVS_HAP",
            "lb vrrp take LVS_HAP --socket /run/other.sock",
            "lb guard deny 203.0.113.0/24 2001:db8::7 --service web",
            "lb guard allow --file good.txt",
            "lb guard remove 203.0.113.0/24 --socket /run/other.sock",
            "lb guard list --service web --json",
            "lb guard clear",
            "lb real-server check --vip 10.8.8.40",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn what_is_mistyped() {
        for (line, hint) in [
            ("lb backend drain r3", "write POOL/NAME, as in `web/r3`"),
            ("lb backend weight web/r3 300", "0 (no new connections) to 256"),
            ("lb backend add web/r3", "--address"),
            ("lb backend add web/r3 --address 10.8.8.46 --port 0", "1..=65535"),
            ("lb trace sctp 10.0.0.5:1 10.8.8.40:80", "use `tcp` or `udp`"),
            ("lb trace tcp 10.0.0.5 10.8.8.40:80", "write 10.0.0.5:4711"),
            ("lb guard deny", "PREFIX"),
            ("lb health web/r3/x", "POOL[/NAME]"),
            ("lb health test web", "write POOL/NAME"),
            ("lb health --watch --json", "cannot be used with"),
            ("lb guard deny ten", "`ten` is not a prefix"),
            ("lb run --interface a/b", "an interface name has no `/`"),
            ("lb capture", "--write <FILE>"),
            ("lb capture --real r1 -w x", "--service <SERVICE>"),
            ("lb capture --service a --real r1 --drops -w x", "cannot be used with"),
            ("lb capture --snap 13 -w x", "14 to 2048"),
            ("lb capture --client 10.0.0.1/8 -w x", "bits behind its prefix"),
            ("lb capture --duration 30 -w x", "write `30s`"),
            ("lb stauts", "'status'"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), i32::from(USAGE), "{line}");
            assert!(error.to_string().contains(hint), "{line}: {error}");
        }
    }

    #[test]
    fn a_socket_where_none_is_used() {
        for line in ["lb check", "lb preflight", "lb run", "lb real-server check --vip 10.8.8.40"] {
            let error = execute(parse(&format!("{line} --socket /x")).unwrap()).unwrap_err();
            assert!(error.is::<UsageError>(), "{line}: {error}");
        }
    }

    #[test]
    fn errors_in_one_line() {
        let error = anyhow::anyhow!("file not found").context("cannot read the configuration");
        assert_eq!(words(&error), "lb: cannot read the configuration: file not found");
        let problem = ClientError::Problem("lb.toml:2: unknown key\n  nam = 1".to_owned());
        assert_eq!(words(&problem.into()), "lb.toml:2: unknown key\n  nam = 1");
    }

    #[test]
    fn only_a_closed_pipe_is_forgiven() {
        let closed = io::Error::from(ErrorKind::BrokenPipe);
        assert!(forgive_closed_pipe(Err(closed.into())).is_ok());
        assert!(forgive_closed_pipe(Err(io::Error::from(ErrorKind::NotFound).into())).is_err());
    }
}
