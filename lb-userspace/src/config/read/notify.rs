//! Who is told about an instance or a group: scripts, a FIFO, mail.

use std::{path::PathBuf, time::Duration};

use toml::Spanned;

use super::{Item, Sink, Table, absolute_path};
use crate::{
    config::draft::{NotifyDraft, VrrpGroupDraft},
    config::table::{Meaning, Refusal},
    model::{Name, Notify, Script},
};

/// Reads a `[[vrrp_group]]`.
pub(super) fn group(table: &Table<'_>, sink: &mut Sink) -> VrrpGroupDraft {
    let name = |text: &str| Ok(Name::new(text)?);
    VrrpGroupDraft {
        path: table.path.clone(),
        name: table.require("name", "\"router\"", sink).and_then(|item| item.text(sink, name)),
        notify: read(table, sink),
    }
}

/// Reads those keys of a table.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> NotifyDraft {
    let mut script = |key| table.get(key).and_then(|item| script(&item, sink));
    let [master, backup, fault, stop, any] =
        ["notify_master", "notify_backup", "notify_fault", "notify_stop", "notify"]
            .map(&mut script);
    let (timeout, user) = (timeout(table, sink), run_as(table, sink));
    let mail = table.get("mail").and_then(|item| item.boolean(sink));
    NotifyDraft {
        notify: Notify {
            master,
            backup,
            fault,
            stop,
            any,
            user,
            timeout,
            fifo: table.get("notify_fifo").and_then(|item| absolute_path(&item, sink)),
            mail: mail.as_ref().is_some_and(|mail| *mail.get_ref()),
        },
        mail,
    }
}

/// As whom scripts run.
pub(super) fn run_as(table: &Table<'_>, sink: &mut Sink) -> Option<String> {
    let user = table.get("notify_user").and_then(|item| item.text(sink, user));
    user.map(Spanned::into_inner)
}

/// How long one may take.
pub(super) fn timeout(table: &Table<'_>, sink: &mut Sink) -> Duration {
    let timeout = table
        .get("notify_timeout")
        .and_then(|item| item.duration(sink, |time| Ok(Notify::timeout(time)?)));
    timeout.map_or(Notify::DEFAULT_TIMEOUT, Spanned::into_inner)
}

/// `"/path"` or `["/path", "argument", ...]`.
pub(super) fn script(item: &Item<'_>, sink: &mut Sink) -> Option<Script> {
    if !item.is_array() {
        let program = item.text(sink, alone)?.into_inner();
        return Some(Script { program, arguments: Vec::new() });
    }
    let items = item.array(sink)?;
    let Some((first, rest)) = items.split_first() else {
        sink.error(item.span.clone(), item.path.clone(), "a script without a program")
            .help("write [\"/etc/lb/notify.sh\"], or leave it out".to_owned());
        return None;
    };
    let program = first.text(sink, program);
    let argument = |item: &Item<'_>, sink: &mut Sink| item.text(sink, argument);
    let arguments: Vec<_> = rest.iter().map(|item| argument(item, sink)).collect();
    let arguments: Option<Vec<_>> = arguments.into_iter().collect();
    let arguments = arguments?.into_iter().map(Spanned::into_inner).collect();
    Some(Script { program: program?.into_inner(), arguments })
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
        let help = "write it from the root: \"/etc/lb/notify.sh\"".to_owned();
        return Err(Refusal { message, help: Some(help) });
    }
    argument(text).map(PathBuf::from)
}

fn argument(text: &str) -> Meaning<String> {
    if text.contains('\0') {
        let message = "no program takes a NUL byte in an argument".to_owned();
        return Err(Refusal { message, help: None });
    }
    Ok(text.to_owned())
}

/// What names of users are made of, as far as `useradd` makes them.
fn user(text: &str) -> Meaning<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(letter) {
        let message = format!("`{}` is not the name of a user", text.escape_debug());
        return Err(Refusal { message, help: Some("write one such as \"nobody\"".to_owned()) });
    }
    Ok(text.to_owned())
}
