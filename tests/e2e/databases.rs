//! Checks by first words, against the servers themselves.

use std::fs;
use std::path::PathBuf;

use lb_tests::lab::{Families, Topology};

use crate::servant::{Servant, check};
use crate::stage::{LIMIT, Stage};

pub(crate) fn postgresql(stage: &Stage) -> Servant {
    let mut servant = Servant::new(stage, "postgres");
    let data = servant.folder.join("data");
    let mut init = servant.command(postgresql_program("initdb"));
    init.args(["--username", "lb_check", "--auth", "trust", "--no-sync", "--pgdata"]).arg(&data);
    servant.prepare(init);
    // The check's user comes from the director.
    let rules = data.join("pg_hba.conf");
    let all = "host all all 0.0.0.0/0 trust\n";
    fs::write(&rules, fs::read_to_string(&rules).expect("rules") + all).expect("rules");
    let mut command = servant.command(postgresql_program("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(&servant.folder).args(["-h", "0.0.0.0", "-F"]);
    servant.start(stage, command);
    servant
}

/// Debian keeps them out of `PATH`.
fn postgresql_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name));
    found.filter(|path| path.exists()).max().unwrap_or_else(|| name.into())
}

pub(crate) fn mariadb(stage: &Stage) -> Servant {
    let mut servant = Servant::new(stage, "mysql");
    let data = servant.folder.join("data");
    let mut init = servant.command("mariadb-install-db");
    init.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    init.arg(format!("--datadir={}", data.display()));
    servant.prepare(init);
    let first = servant.folder.join("first.sql");
    fs::write(&first, "CREATE USER lb_check@'10.8.8.41';\n").expect("a file");
    let mut command = servant.command("mariadbd");
    command.args(["--no-defaults", "--bind-address=0.0.0.0", "--skip-name-resolve"]);
    command.arg(format!("--datadir={}", data.display()));
    command.arg(format!("--socket={}", servant.folder.join("socket").display()));
    command.arg(format!("--init-file={}", first.display()));
    servant.start(stage, command);
    servant
}

pub(crate) fn redis(stage: &Stage) -> Servant {
    let mut servant = Servant::new(stage, "redis");
    let mut command = servant.command("redis-server");
    command.args(["--bind", "0.0.0.0", "--save", "", "--requirepass", "secret"]);
    servant.start(stage, command);
    servant
}

#[test]
fn databases_are_known_by_their_first_words() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |_| {});
    let mut servants = [postgresql(&stage), mariadb(&stage), redis(&stage)];
    stage.director.start().expect("the agent starts");
    let stage = &mut stage;
    check(stage, "type = \"postgresql\", port = 5432", "up", None);
    check(stage, "type = \"postgresql\", port = 5432, user = \"lb_check\"", "up", None);
    // Who it is, the server says later: it takes connections.
    check(stage, "type = \"postgresql\", port = 5432, user = \"nobody\"", "up", None);
    check(stage, "type = \"mysql\", port = 3306", "up", None);
    check(stage, "type = \"mysql\", port = 3306, user = \"lb_check\"", "up", None);
    let stranger = "type = \"mysql\", port = 3306, user = \"nobody\"";
    check(stage, stranger, "down", Some("Access denied for user"));
    check(stage, "type = \"redis\", port = 6379", "up", None);
    // One for the other.
    check(stage, "type = \"redis\", port = 3306", "down", Some("expected +PONG"));
    check(stage, "type = \"postgresql\", port = 3306", "down", Some("an answer to SSLRequest"));
    check(stage, "type = \"mysql\", port = 6379", "down", Some("a greeting of MySQL"));
    check(stage, "type = \"smtp\", port = 3306", "down", Some("expected a greeting with 220"));
    for servant in &mut servants {
        let mut process = servant.process.take().expect("it runs");
        process.terminate(LIMIT).expect("it ends");
    }
    for (kind, port) in [("postgresql", 5432), ("mysql", 3306), ("redis", 6379)] {
        let gone = format!("type = \"{kind}\", port = {port}");
        check(stage, &gone, "down", Some("connection refused"));
    }
}
