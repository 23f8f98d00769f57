//! `lb backend`: real servers come, go and rest while traffic runs.

use std::{net::IpAddr, process::ExitCode, str::FromStr};

use super::{
    client::{Client, ClientError},
    output,
    paint::Paint,
    status::pools,
};
use crate::{
    api::{Done, Elsewhere, NewServer, NewState, NewWeight, PoolStatus, Status},
    model::{Name, NameError, Weight},
    plan::Admin,
};

/// Change the real servers of a pool, or list them. Changes survive a restart of the agent.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Make the change on all directors of the cluster (`peers` under [node]), this one first.
    #[arg(long, global = true)]
    everywhere: bool,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Add a real server to a pool.
    Add(Add),
    /// Give a real server no new connections; those it has go on.
    Drain(Server),
    /// Take a real server back into use, after `drain` or `maint`.
    Ready(Server),
    /// Take a real server out at once; connections it has break.
    Maint(Server),
    /// Remove a real server from its pool; connections it has may end by themselves.
    Remove(Server),
    /// Give a real server another weight.
    Weight(NewServerWeight),
    /// List the real servers.
    List(List),
}

#[derive(Clone, Debug, clap::Args)]
struct Server {
    /// The real server: its pool and its name.
    #[arg(value_name = "POOL/NAME")]
    server: ServerPath,
}

#[derive(Clone, Debug, clap::Args)]
struct Add {
    /// The pool, and a name that is new in it.
    #[arg(value_name = "POOL/NAME")]
    server: ServerPath,
    /// Its address.
    #[arg(long)]
    address: IpAddr,
    /// Where its check connects [default: a port of the service].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Its share compared with the others', 0 to 256.
    #[arg(long, default_value_t)]
    weight: Weight,
}

#[derive(Clone, Debug, clap::Args)]
struct NewServerWeight {
    /// The real server: its pool and its name.
    #[arg(value_name = "POOL/NAME")]
    server: ServerPath,
    /// 0 (no new connections) to 256.
    weight: Weight,
}

#[derive(Clone, Debug, clap::Args)]
struct List {
    /// Only this pool.
    pool: Option<Name>,
    /// Print the pools as JSON.
    #[arg(long)]
    json: bool,
}

/// A real server and its pool, typed as `POOL/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPath {
    /// The pool.
    pub pool: Name,
    /// The real server.
    pub name: Name,
}

/// Why a text is not a [`ServerPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerPathError {
    /// No slash.
    #[error("the pool is missing: write POOL/NAME, as in `web/{0}`; `lb backend list` shows them")]
    NoPool(String),
    /// The pool's name cannot be one.
    #[error("`{0}` is not the name of a pool: {1}")]
    Pool(String, NameError),
    /// The real server's name cannot be one.
    #[error("`{0}` is not the name of a real server: {1}")]
    Name(String, NameError),
}

impl FromStr for ServerPath {
    type Err = ServerPathError;

    fn from_str(text: &str) -> Result<Self, ServerPathError> {
        let Some((pool, name)) = text.split_once('/') else {
            return Err(ServerPathError::NoPool(text.to_owned()));
        };
        Ok(Self {
            pool: Name::new(pool).map_err(|why| ServerPathError::Pool(pool.to_owned(), why))?,
            name: Name::new(name).map_err(|why| ServerPathError::Name(name.to_owned(), why))?,
        })
    }
}

impl ServerPath {
    /// Where it is on the control socket. Names need no escapes.
    fn path(&self) -> String {
        format!("/v1/pools/{}/servers/{}", self.pool, self.name)
    }
}

/// Does what was asked for, and says what happened.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let place = if args.everywhere { "?everywhere=true" } else { "" };
    let done = match args.command {
        Command::List(wanted) => return list(&wanted, client),
        Command::Add(add) => {
            let pool = format!("/v1/pools/{}/servers{place}", add.server.pool);
            let Add { server, address, port, weight } = add;
            client.post_json(&pool, &NewServer { name: server.name, address, port, weight })
        }
        Command::Drain(Server { server }) => set(client, &server, Admin::Drain, place),
        Command::Ready(Server { server }) => set(client, &server, Admin::Ready, place),
        Command::Maint(Server { server }) => set(client, &server, Admin::Maintenance, place),
        Command::Remove(Server { server }) => client.delete(&format!("{}{place}", server.path())),
        Command::Weight(NewServerWeight { server, weight }) => {
            client.put_json(&format!("{}/weight{place}", server.path()), &NewWeight { weight })
        }
    }?;
    report(&done)
}

fn set(
    client: &Client,
    server: &ServerPath,
    state: Admin,
    place: &str,
) -> Result<Done, ClientError> {
    client.put_json(&format!("{}/state{place}", server.path()), &NewState { state })
}

/// Says that a change is in force, and what an operator should know about it.
pub(super) fn report(done: &Done) -> anyhow::Result<ExitCode> {
    output::print(&format!("{}\n", done.message))?;
    output::warn(&done.warnings);
    let mut code = ExitCode::SUCCESS;
    for Elsewhere { director, error, warnings } in &done.elsewhere {
        match error {
            None => output::print(&format!("the same on {director}\n"))?,
            Some(error) => {
                output::warn(&[format!("not on {director}: {error}")]);
                code = ExitCode::FAILURE;
            }
        }
        output::warn(warnings);
    }
    Ok(code)
}

fn list(wanted: &List, client: &Client) -> anyhow::Result<ExitCode> {
    let status: Status = client.get("/v1/status")?;
    let pools = choose(&status.pools, wanted.pool.as_ref())?;
    if wanted.json {
        output::print_json(&pools)?;
    } else {
        output::print(&pools::text(&pools, Paint::of_stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn choose<'a>(
    pools: &'a [PoolStatus],
    wanted: Option<&Name>,
) -> anyhow::Result<Vec<&'a PoolStatus>> {
    let chosen: Vec<_> =
        pools.iter().filter(|pool| wanted.is_none_or(|name| pool.name == *name)).collect();
    match wanted {
        Some(name) if chosen.is_empty() => {
            let names: Vec<_> = pools.iter().map(|pool| pool.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            anyhow::bail!("there is no pool `{name}`; the pools are: {names}")
        }
        _ => Ok(chosen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::example;

    #[test]
    fn server_paths() {
        let path: ServerPath = "web/lvs-hap03".parse().unwrap();
        assert_eq!(path.path(), "/v1/pools/web/servers/lvs-hap03");
        for (text, words) in [
            ("lvs-hap03", "write POOL/NAME, as in `web/lvs-hap03`"),
            ("/a", "`` is not the name of a pool: a name has 1 to 63"),
            ("web/", "`` is not the name of a real server"),
            ("web/a/b", "`a/b` is not the name of a real server: a name is made of"),
            ("web/..", "`..` is not the name of a real server: a name starts with"),
        ] {
            let error = text.parse::<ServerPath>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn one_pool_or_all() {
        let status = example();
        let names = |wanted: Option<&str>| {
            let wanted = wanted.map(|name| Name::new(name).unwrap());
            choose(&status.pools, wanted.as_ref())
                .map(|pools| pools.iter().map(|pool| pool.name.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(names(None).unwrap(), ["web", "dns"]);
        assert_eq!(names(Some("dns")).unwrap(), ["dns"]);
        let error = names(Some("mail")).unwrap_err().to_string();
        assert_eq!(error, "there is no pool `mail`; the pools are: web, dns");
    }
}
