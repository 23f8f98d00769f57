//! Who is told about an instance or a group: scripts, a FIFO, mail.

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
    let timeout = table
        .get("notify_timeout")
        .and_then(|item| item.duration(sink, |time| Ok(Notify::timeout(time)?)));
    let user = table.get("notify_user").and_then(|item| item.text(sink, user));
    let mail = table.get("mail").and_then(|item| item.boolean(sink));
    NotifyDraft {
        notify: Notify {
            master,
            backup,
            fault,
            stop,
            any,
            user: user.map(Spanned::into_inner),
            timeout: timeout.map_or(Notify::DEFAULT_TIMEOUT, Spanned::into_inner),
            fifo: table.get("notify_fifo").and_then(|item| absolute_path(&item, sink)),
            mail: mail.as_ref().is_some_and(|mail| *mail.get_ref()),
        },
        mail,
    }
}
