//! Formats of lines, as programs: read once, run for every entry.

use super::Entry;
use super::parse::{self, FormatError};
use super::variable::{self, Style, Variable};

/// HAProxy's `option httplog`.
const HTTPLOG: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                       %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

/// HAProxy's `option tcplog`.
const TCPLOG: &str = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";

/// Bytes of a line, for the memory.
const USUAL: usize = 512;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(Box<str>),
    /// One space, however many there are, or would be around what has nothing to say.
    Space,
    Variable(Variable, Style),
}

/// A format of lines with HAProxy's variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    parts: Vec<Part>,
}

impl Format {
    /// Reads a format: text, `%` and the name of a variable, `%{+Q}` and one in another style, `%%`.
    ///
    /// # Errors
    /// [`FormatError`]: where it is wrong, and what is expected there.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        parse::parse(text).map(|parts| Self { parts })
    }

    /// `option httplog`.
    #[must_use]
    pub fn httplog() -> Self {
        Self::of_ours(HTTPLOG)
    }

    /// `option tcplog`.
    #[must_use]
    pub fn tcplog() -> Self {
        Self::of_ours(TCPLOG)
    }

    /// A test reads both.
    fn of_ours(text: &str) -> Self {
        Self { parts: parse::parse(text).unwrap_or_default() }
    }

    /// Appends the line of an entry, without a line break.
    pub fn write(&self, out: &mut Vec<u8>, entry: &Entry<'_>) {
        out.reserve(USUAL);
        let mut after_space = true;
        for part in &self.parts {
            match part {
                // Most are a `:` or a `/`.
                Part::Text(text) => {
                    match text.as_bytes() {
                        &[byte] => out.push(byte),
                        bytes => out.extend_from_slice(bytes),
                    }
                    after_space = false;
                }
                Part::Space if after_space => {}
                Part::Space => {
                    out.push(b' ');
                    after_space = true;
                }
                Part::Variable(variable, style) => {
                    if variable::write(out, entry, *variable, *style) {
                        after_space = false;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "format_test.rs"]
mod tests;
