//! Writing to standard output, which may be a pipe that somebody closes (`lb status | head`).

use std::{
    borrow::Cow,
    io::{self, Write as _},
};

use serde::Serialize;

/// Writes `text` as it is. A reader that has seen enough is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    forgive_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Writes warnings to standard error; what comes as a text of several lines stays as it is.
pub(super) fn warn(warnings: &[String]) {
    let mut stderr = io::stderr().lock();
    for warning in warnings {
        // There is nobody left to tell if this fails.
        let _ = writeln!(stderr, "{}", marked(warning));
    }
}

fn marked(warning: &str) -> Cow<'_, str> {
    let warning = warning.trim_end();
    if warning.starts_with("warning") {
        warning.into()
    } else {
        format!("warning: {warning}").into()
    }
}

/// Writes `value` as JSON for people and programs.
pub(super) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(print(&text)?)
}

fn forgive_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_marked_once() {
        assert_eq!(marked("eth0 is slow\n"), "warning: eth0 is slow");
        assert_eq!(marked("warning: old key\n --> lb.toml:3"), "warning: old key\n --> lb.toml:3");
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        assert!(forgive_closed(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(forgive_closed(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
