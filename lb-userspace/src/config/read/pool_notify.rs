//! Who is told about a pool and its real servers; the `[webhook]`.

use toml::Spanned;

use super::{Sink, Table, absolute_path, notify, schema, script};
use crate::{
    config::draft::{PoolNotifyDraft, ServerScripts},
    model::{Notify, PoolNotify, Webhook, WebhookUrl},
};

/// Reads those keys of a pool.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> PoolNotifyDraft {
    let mut script = |key| table.get(key).and_then(|item| script::script(&item, sink));
    let [up, down] = ["notify_up", "notify_down"].map(&mut script);
    let [quorum_up, quorum_down] = ["quorum_up", "quorum_down"].map(&mut script);
    let mail = table.get("mail").and_then(|item| item.boolean(sink));
    let webhook = table.get("webhook").and_then(|item| item.boolean(sink));
    PoolNotifyDraft {
        notify: PoolNotify {
            up,
            down,
            quorum_up,
            quorum_down,
            user: notify::run_as(table, sink),
            timeout: notify::timeout(table, sink),
            fifo: table.get("notify_fifo").and_then(|item| absolute_path(&item, sink)),
            mail: mail.as_ref().is_some_and(|mail| *mail.get_ref()),
            ..PoolNotify::default()
        },
        mail,
        webhook,
    }
}

/// Reads those of a server.
pub(super) fn of_server(table: &Table<'_>, sink: &mut Sink) -> ServerScripts {
    ["notify_up", "notify_down"]
        .map(|key| table.get(key).and_then(|item| script::script(&item, sink)))
}

/// Reads the webhook; `None` if it is not there, or something in it was refused.
pub(super) fn webhook(root: &Table<'_>, sink: &mut Sink) -> Option<Webhook> {
    let table = root.get("webhook")?.table(&schema::WEBHOOK, sink)?;
    let url = table
        .require("url", "\"https://hooks.example.org/lb\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(WebhookUrl::parse(text)?)))
        .map(Spanned::into_inner);
    let ca_file = table.get("ca_file").and_then(|item| absolute_path(&item, sink));
    let timeout = table
        .get("timeout")
        .and_then(|item| item.duration(sink, |time| Ok(Notify::timeout(time)?)));
    Some(Webhook {
        url: url?,
        ca_file,
        timeout: timeout.map_or(Webhook::DEFAULT_TIMEOUT, Spanned::into_inner),
    })
}
