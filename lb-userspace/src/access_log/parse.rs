//! From the text of a format to its parts.

use super::format::Part;
use super::variable::{Style, VARIABLES};

/// Why a format cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {problem}")]
pub struct FormatError {
    /// Bytes before the place.
    pub at: usize,
    /// What is wrong there.
    pub problem: FormatProblem,
}

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatProblem {
    /// No such name.
    #[error("no variable `%{0}`; expected one of HAProxy's log variables, such as %ci, %ST or %r")]
    UnknownVariable(String),
    /// No name at all.
    #[error("`%` without a name; expected a variable such as %ci, or %% for a percent sign")]
    NoName,
    /// Other than Q, X and E.
    #[error(
        "`{0}` is no style; expected + or - and Q (quotes), X (hexadecimal) or E (escaped), as in %{{+Q}}r"
    )]
    Style(char),
    /// The end came first.
    #[error("a style without its end; expected `}}`")]
    Unclosed,
    /// `%[src]` and the like.
    #[error(
        "sample expressions such as %[src] are not read; expected the name of a variable, such as %ci"
    )]
    Expression,
    /// It would end the line.
    #[error("a control character; expected text in one line")]
    Control,
}

pub(super) fn parse(text: &str) -> Result<Vec<Part>, FormatError> {
    let mut reader = Reader { text, at: 0, style: Style::default(), parts: Vec::new() };
    while let Some(next) = reader.rest().chars().next() {
        match next {
            '%' => reader.variable()?,
            ' ' => reader.space(),
            _ if next.is_control() => return Err(reader.error(FormatProblem::Control)),
            _ => reader.text(),
        }
    }
    Ok(reader.parts)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What `%{…}o` has set for all that follow.
    style: Style,
    parts: Vec<Part>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, problem: FormatProblem) -> FormatError {
        FormatError { at: self.at, problem }
    }

    fn text(&mut self) {
        let rest = self.rest();
        let end = rest.find(|c: char| c == '%' || c == ' ' || c.is_control()).unwrap_or(rest.len());
        self.push_text(&rest[..end]);
        self.at += end;
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Part::Text(before)) = self.parts.last_mut() {
            *before = format!("{before}{text}").into();
        } else {
            self.parts.push(Part::Text(text.into()));
        }
    }

    fn space(&mut self) {
        if self.parts.last() != Some(&Part::Space) {
            self.parts.push(Part::Space);
        }
        self.at += 1;
    }

    fn variable(&mut self) -> Result<(), FormatError> {
        let start = self.at;
        self.at += 1;
        if self.rest().starts_with('%') {
            self.at += 1;
            self.push_text("%");
            return Ok(());
        }
        let style = if self.rest().starts_with('{') { self.style()? } else { self.style };
        let rest = self.rest();
        if rest.starts_with('[') {
            return Err(self.error(FormatProblem::Expression));
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = &rest[..length];
        match VARIABLES.iter().find(|(known, _)| *known == name) {
            Some(&(_, variable)) => self.parts.push(Part::Variable(variable, style)),
            None if name == "o" => self.style = style,
            None => {
                self.at = start;
                return Err(self.error(if name.is_empty() {
                    FormatProblem::NoName
                } else {
                    FormatProblem::UnknownVariable(name.to_owned())
                }));
            }
        }
        self.at += length;
        Ok(())
    }

    /// `{+Q,-X}`: changes of the style in force.
    fn style(&mut self) -> Result<Style, FormatError> {
        let mut style = self.style;
        let mut on = true;
        self.at += 1;
        while let Some(next) = self.rest().chars().next() {
            match next {
                '}' => {
                    self.at += 1;
                    return Ok(style);
                }
                '+' => on = true,
                '-' => on = false,
                ',' => {}
                'Q' => style.quote = on,
                'X' => style.hex = on,
                'E' => style.escape = on,
                other => return Err(self.error(FormatProblem::Style(other))),
            }
            self.at += 1;
        }
        Err(self.error(FormatProblem::Unclosed))
    }
}
