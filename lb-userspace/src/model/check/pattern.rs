//! A regular expression that answers are looked through with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A regular expression over bytes. It takes time in proportion to the text, whatever it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(regex::bytes::Regex);

/// Not a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a regular expression: {reason}")]
pub struct PatternError {
    /// As it was written.
    pattern: String,
    /// What is wrong with it, and where.
    reason: String,
}

impl Pattern {
    /// Memory that a compiled expression may take, in bytes.
    const LARGEST: usize = 1 << 20;

    /// Does it fit somewhere?
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let wrong = |reason: String| PatternError { pattern: text.to_owned(), reason };
        // The same rules as those of the compiler, whose errors only draw the place.
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(text);
        parsed.map_err(|error| wrong(place(&error)))?;
        let regex = regex::bytes::RegexBuilder::new(text).size_limit(Self::LARGEST).build();
        regex.map(Self).map_err(|error| wrong(error.to_string()))
    }
}

fn place(error: &regex_syntax::Error) -> String {
    let (words, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
        other => return other.to_string(),
    };
    match span.start {
        regex_syntax::ast::Position { line: 1, column, .. } => {
            format!("{words} at character {column}")
        }
        place => format!("{words} at character {} of line {}", place.column, place.line),
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_expression_is_explained_in_one_line() {
        for (text, words) in [
            ("a(b", "`a(b` is not a regular expression: unclosed group at character 2"),
            (
                "a\n[z-a]",
                "invalid character class range, the start must be <= the end at character 2 of line 2",
            ),
            ("(a{1000}){1000}", "size"),
        ] {
            let error = text.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_can_be_looked_for() {
        let pattern: Pattern = r"(?-u)^\xff.$".parse().unwrap();
        assert!(pattern.fits(b"\xff\x00") && !pattern.fits(b"\xfe\x00"));
    }
}
