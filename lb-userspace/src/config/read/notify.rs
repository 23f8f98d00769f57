//! Who is told about an instance or a group: scripts, a FIFO, mail.

use std::time::Duration;

use toml::Spanned;

use super::{
    Sink, Table, absolute_path,
    script::{script, user},
};
use crate::{
    config::draft::{NotifyDraft, VrrpGroupDraft},
    model::{Name, Notify},
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
