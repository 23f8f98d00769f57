//! Servers out of packages on a real server, and checks of them.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lb_tests::lab::Process;
use nix::unistd::User;

use crate::stage::{Stage, server};

pub(crate) const REAL: &str = "real1";

/// A server on `real1`, with a folder of its own, as its own user.
pub(crate) struct Servant {
    pub(crate) folder: PathBuf,
    user: User,
    pub(crate) process: Option<Process>,
}

impl Servant {
    pub(crate) fn new(stage: &Stage, user: &str) -> Self {
        let user = User::from_name(user).expect("users").expect("its package makes the user");
        let folder = stage.lab.folder().join(&user.name);
        fs::create_dir(&folder).expect("a folder");
        chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("its folder");
        Self { folder, user, process: None }
    }

    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw()).current_dir(&self.folder);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn prepare(&self, mut command: Command) {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }

    pub(crate) fn start(&mut self, stage: &Stage, mut command: Command) {
        let log = self.folder.join("log");
        let process = Process::spawn(stage.lab.namespace(REAL), &mut command, &log);
        self.process = Some(process.expect("the server starts"));
    }
}

/// Checks like this from now on, and waits for what is found.
pub(crate) fn check(stage: &mut Stage, check: &str, state: &str, words: Option<&str>) {
    let pace = "interval = \"100ms\", timeout = \"1s\", rise = 1, fall = 1";
    stage.config.check = format!("{{ {check}, {pace} }}");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
    stage.until(&format!("{check}: {state}, {words:?}"), |status| {
        let health = server(status, "web4", REAL).health.as_ref();
        health.is_some_and(|health| {
            let reason = health.reason.as_deref().unwrap_or_default();
            health.state == state && words.is_none_or(|words| reason.contains(words))
        })
    });
}
