//! The table on a terminal, drawn over itself.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use lb_tests::lab::Status;
use lb_tests::load::Report;

use super::table;

/// Where the table is shown.
pub(super) struct Screen {
    hints: String,
    lines: usize,
    terminal: bool,
    drawn: bool,
}

impl Screen {
    pub(super) fn new(hints: String) -> Self {
        Self { hints, lines: 0, terminal: io::stdout().is_terminal(), drawn: false }
    }

    /// Draws it again on a terminal; elsewhere only once, and only with the hints.
    pub(super) fn draw(
        &mut self,
        report: &Report,
        status: &Status,
        master: &str,
        hints: bool,
    ) -> Result<()> {
        if !self.terminal && (self.drawn || !hints) {
            return Ok(());
        }
        let table = table::render(report, status);
        let mut text = format!("{table}\n{}\n{master}\n", table::summary(report));
        if hints {
            text += &format!("\n{}", self.hints);
        }
        self.clear()?;
        self.lines = text.lines().count();
        self.drawn = true;
        io::stdout().write_all(text.as_bytes()).context("writing to the terminal")
    }

    pub(super) fn clear(&mut self) -> Result<()> {
        if self.terminal && self.lines > 0 {
            // Up so many lines, then clear to the end of the screen.
            print!("\x1b[{}A\x1b[J", self.lines);
            io::stdout().flush()?;
        }
        self.lines = 0;
        Ok(())
    }
}
