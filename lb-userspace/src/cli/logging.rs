//! Where the agent's log goes: standard error, a line an event, from `info` on unless `RUST_LOG`
//! says otherwise.

use std::{env, io};

use tracing_subscriber::EnvFilter;

use super::paint::Paint;

/// Starts logging.
pub(super) fn start() -> anyhow::Result<()> {
    let filter = filter(env::var("RUST_LOG").ok().as_deref())?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(Paint::of_stderr() == Paint::Ansi)
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

fn filter(wanted: Option<&str>) -> anyhow::Result<EnvFilter> {
    let wanted = wanted.filter(|text| !text.is_empty()).unwrap_or("info");
    // The error's own chain says the same twice.
    EnvFilter::try_new(wanted).map_err(|error| {
        anyhow::anyhow!(
            "RUST_LOG={wanted:?} is not a log filter: {error}; write `debug`, or \
             `info,lb_userspace=debug`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        assert_eq!(filter(None).unwrap().to_string(), "info");
        assert_eq!(filter(Some("")).unwrap().to_string(), "info");
        assert_eq!(filter(Some("debug")).unwrap().to_string(), "debug");
        assert!(filter(Some("lb=what=no")).unwrap_err().to_string().contains("RUST_LOG"));
    }
}
