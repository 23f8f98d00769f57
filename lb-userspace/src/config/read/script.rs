//! Scripts, and the users that run them: the same for all that run any.

use std::path::PathBuf;

use toml::Spanned;

use super::{Item, Sink};
use crate::{
    config::table::{Meaning, Refusal},
    model::Script,
};

/// `"/path"`, or `["/path", "argument", ...]`.
pub(super) fn script(item: &Item<'_>, sink: &mut Sink) -> Option<Script> {
    if !item.is_array() {
        let program = item.text(sink, alone)?.into_inner();
        return Some(Script { program, arguments: Vec::new() });
    }
    let items = item.array(sink)?;
    let Some((first, rest)) = items.split_first() else {
        sink.error(item.span.clone(), item.path.clone(), "a script without a program")
            .help("write [\"/etc/lb/script.sh\"], or leave it out".to_owned());
        return None;
    };
    let program = first.text(sink, program);
    let arguments: Vec<_> = rest.iter().map(|item| item.text(sink, argument)).collect();
    let arguments: Option<Vec<_>> = arguments.into_iter().collect();
    let arguments = arguments?.into_iter().map(Spanned::into_inner).collect();
    Some(Script { program: program?.into_inner(), arguments })
}

/// A line for the shell.
pub(super) fn shell(item: &Item<'_>, sink: &mut Sink) -> Option<Script> {
    let line = |text: &str| match text.trim() {
        "" => Err(Refusal { message: "an empty text says nothing".to_owned(), help: None }),
        _ => argument(text),
    };
    item.text(sink, line).map(|line| Script::shell(line.into_inner()))
}

/// The name of a user: what they are made of, as far as `useradd` makes them.
pub(super) fn user(text: &str) -> Meaning<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(letter) {
        let message = format!("`{}` is not the name of a user", text.escape_debug());
        return Err(Refusal { message, help: Some("write one such as \"nobody\"".to_owned()) });
    }
    Ok(text.to_owned())
}

/// A program without arguments. One with a space in its path has to stand in a list.
fn alone(text: &str) -> Meaning<PathBuf> {
    if text.starts_with('/') && text.contains(char::is_whitespace) {
        let words: Vec<_> = text.split_whitespace().map(|word| format!("{word:?}")).collect();
        let message = "no shell takes this apart: a script's arguments are texts of their own";
        let help = Some(format!("write [{}]", words.join(", ")));
        return Err(Refusal { message: message.to_owned(), help });
    }
    program(text)
}

fn program(text: &str) -> Meaning<PathBuf> {
    if !text.starts_with('/') {
        let message = format!("`{}` is not an absolute path", text.escape_debug());
        let help = "write it from the root: \"/etc/lb/script.sh\"".to_owned();
        return Err(Refusal { message, help: Some(help) });
    }
    argument(text).map(PathBuf::from)
}

/// What a program can be given.
pub(super) fn argument(text: &str) -> Meaning<String> {
    if text.contains('\0') {
        let message = "no program takes a NUL byte in an argument".to_owned();
        return Err(Refusal { message, help: None });
    }
    Ok(text.to_owned())
}
