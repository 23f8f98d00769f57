//! What every test plays on: a lab, a director at work in it, and requests.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use lb_tests::download::Download;
use lb_tests::lab::{
    Director, Lab, LbConfig, Namespace, Topology, VIP4, VIP4_BUNDLE, VIP6, write_secret,
};
use lb_tests::load::{self, Plan, Report, Target};
use lb_userspace::api::{PoolStatus, RealTraffic, ServerStatus, ServiceStatus, Status};

use crate::requests::{Requests, whole};

const DIRECTOR: &str = "director1";
/// How long anything may take that is awaited: only a failure ever waits so long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A check that a busy machine does not fail by mistake.
const PATIENT_CHECK: &str =
    r#"{ type = "tcp", interval = "500ms", timeout = "500ms", rise = 2, fall = 3 }"#;
/// The cluster's secret: with a fixed one, the same flow takes the same slot in each run.
const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
/// Leaves the machine some room for the other tests.
const PAUSE: Duration = Duration::from_millis(1);
pub(crate) const RETRY_PAUSE: Duration = Duration::from_millis(10);
/// Downloads that may be begun until each real server has its own.
const MAX_DOWNLOADS: usize = 200;

/// A lab with a director at work. Its parts are dropped in this order.
pub(crate) struct Stage {
    pub(crate) director: Director,
    pub(crate) lab: Lab,
    pub(crate) config: LbConfig,
}

impl Stage {
    /// Both families, two real servers, the agent running with each of them in the ring.
    pub(crate) fn up() -> Self {
        Self::up_with(Topology::default(), |_| {})
    }

    /// The same with a topology and a configuration of the test's own.
    pub(crate) fn up_with(topology: Topology, change: impl FnOnce(&mut LbConfig)) -> Self {
        let mut stage = Self::prepared(topology, change);
        stage.director.start().expect("the agent starts");
        stage.until("every real server is in the ring", |status| {
            let mut servers = status.pools.iter().flat_map(|pool| &pool.servers);
            servers.all(|server| server.share > 0.0 && has_been_checked(server))
        });
        stage
    }

    /// A lab and a director whose agent does not run yet.
    pub(crate) fn prepared(topology: Topology, change: impl FnOnce(&mut LbConfig)) -> Self {
        let lab =
            Lab::up(topology).expect("the lab: needs root, and what `cargo xtask setup` installs");
        let mut config = LbConfig::new(lab.topology());
        config.check = PATIENT_CHECK.to_owned();
        change(&mut config);
        config.write(&lab, DIRECTOR).expect("lb.toml is written");
        let director =
            Director::new(&lab, DIRECTOR).expect("a director: `cargo xtask build` makes `lb`");
        write_secret(&director.paths.state.join("seed"), SEED).expect("the seed is written");
        Self { director, lab, config }
    }

    /// The text of `lb.toml`.
    pub(crate) fn toml(&self) -> String {
        self.config.to_toml(self.lab.topology(), &self.director.paths)
    }

    /// `lb ARGS` in the director; it has to succeed.
    pub(crate) fn lb(&self, args: &[&str]) -> String {
        self.director.lb(args).unwrap_or_else(|error| panic!("lb {}: {error:#}", args.join(" ")))
    }

    /// `lb ARGS` in the director; it has to fail, with an exit code and words on stderr.
    pub(crate) fn lb_fails(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(self.director.binary());
        command.args(args).arg("--socket").arg(&self.director.paths.socket);
        fails(&output(self.director.namespace(), &mut command), args)
    }

    pub(crate) fn status(&self) -> Status {
        status(&self.director)
    }

    /// Waits until the status is so, and returns it.
    pub(crate) fn until(&self, what: &str, so: impl Fn(&Status) -> bool) -> Status {
        until(&self.director, what, so)
    }

    /// Each service in turn, as fast as leaves the machine some room.
    pub(crate) fn plan(&self) -> Plan {
        let mut targets = Vec::new();
        let families = self.lab.topology().families_in_use();
        if families.ipv4() {
            targets.push(Target::new("web4", (VIP4, 80)));
            targets.push(Target::new("bundle", (VIP4_BUNDLE, 80)));
            targets.push(Target::new("bundle", (VIP4_BUNDLE, 443)));
        }
        if families.ipv6() {
            targets.push(Target::new("web6", (VIP6, 80)));
        }
        Plan { pause: PAUSE, ..Plan::new(targets, self.lab.topology().client_addresses()) }
    }

    /// Requests that go on until they are stopped.
    pub(crate) fn requests(&self) -> Requests {
        self.requests_of(self.plan())
    }

    pub(crate) fn requests_of(&self, plan: Plan) -> Requests {
        Requests::start(self.lab.client(), plan)
    }

    /// So many requests, none of which may fail.
    pub(crate) fn ask(&self, requests: u64) -> Report {
        self.ask_by(Plan { requests: Some(requests), pause: Duration::ZERO, ..self.plan() })
    }

    pub(crate) fn ask_by(&self, plan: Plan) -> Report {
        whole(load::run(self.lab.client(), plan).expect("the load runs"))
    }

    /// Downloads from `target` that last for some seconds, `each` at least on each of these real servers.
    pub(crate) fn downloads(
        &self,
        target: impl Into<SocketAddr>,
        rate: &str,
        reals: &[&str],
        each: usize,
    ) -> Vec<Download> {
        let target = target.into();
        let sources = self.lab.topology().client_addresses();
        let mut sources = sources.into_iter().filter(|ip| ip.is_ipv4() == target.is_ipv4()).cycle();
        let mut downloads: Vec<Download> = Vec::new();
        let at = |downloads: &[Download], real: &str| {
            downloads.iter().filter(|download| download.server == real).count()
        };
        while reals.iter().any(|real| at(&downloads, real) < each) {
            assert!(downloads.len() < MAX_DOWNLOADS, "no downloads on each of {reals:?}");
            let source = sources.next().expect("the topology has clients");
            let path = format!("/slow?rate={rate}");
            let begun = Download::start(self.lab.client(), source, target, &path, LIMIT);
            downloads.push(begun.expect("a download begins"));
        }
        downloads
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        // The agent's log is shown, too: see `Director`.
        if let Ok(page) = self.director.lb(&["status"]) {
            eprintln!("`lb status` of {}:\n{page}", self.lab.name());
        }
        for real in self.lab.topology().real_servers() {
            eprint!("{}", self.lab.server_log(&real.name));
        }
    }
}

pub(crate) fn status(director: &Director) -> Status {
    let text = director.lb(&["status", "--json"]).expect("`lb status` succeeds");
    serde_json::from_str(&text).expect("the status is what api says")
}

/// Waits until a director's status is so, and returns it.
pub(crate) fn until(director: &Director, what: &str, so: impl Fn(&Status) -> bool) -> Status {
    let deadline = Instant::now() + LIMIT;
    loop {
        let status = status(director);
        if so(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "not so after {LIMIT:?}: {what}; {status:#?}");
        thread::sleep(RETRY_PAUSE);
    }
}

/// Where its pool has a check, its first result has come.
pub(crate) fn has_been_checked(server: &ServerStatus) -> bool {
    server.health.as_ref().is_none_or(|health| health.checks > 0)
}

pub(crate) fn service<'a>(status: &'a Status, name: &str) -> &'a ServiceStatus {
    let found = status.services.iter().find(|service| service.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no service {name} in {status:#?}"))
}

pub(crate) fn real<'a>(status: &'a Status, of: &str, name: &str) -> &'a RealTraffic {
    let found = service(status, of).reals.iter().find(|real| real.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no real server {name} of {of} in {status:#?}"))
}

pub(crate) fn pool<'a>(status: &'a Status, name: &str) -> &'a PoolStatus {
    let found = status.pools.iter().find(|pool| pool.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no pool {name} in {status:#?}"))
}

pub(crate) fn server<'a>(status: &'a Status, of: &str, name: &str) -> &'a ServerStatus {
    let found = pool(status, of).servers.iter().find(|server| server.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no real server {name} in {of} in {status:#?}"))
}

/// Real servers with their parts of each pool's ring, for comparing.
pub(crate) fn rings(status: &Status) -> String {
    let mut text = String::new();
    for pool in &status.pools {
        for server in &pool.servers {
            let _ = writeln!(text, "{} {}: {:.9}", pool.name, server.name, server.share);
        }
    }
    text
}

/// Runs a command in a namespace to its end, whatever that is.
pub(crate) fn output(namespace: &Namespace, command: &mut Command) -> Output {
    namespace.enter(|| command.output()).expect("the namespace").expect("the command starts")
}

/// The exit code and the words of a command that has failed.
pub(crate) fn fails(output: &Output, args: &[&str]) -> (i32, String) {
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "lb {}: succeeded: {output:?}", args.join(" "));
    (output.status.code().expect("it was not killed"), words)
}
