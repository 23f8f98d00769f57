//! TOML to [`Draft`]: every value on its own.

mod check;
mod decapsulate;
mod guard;
mod http;
mod limits;
mod lists;
mod mail;
mod node;
mod notify;
mod observe;
mod pool;
mod pool_notify;
mod ports;
mod proxied;
mod routes;
mod rules;
mod script;
mod service;
mod tls;
mod track;
mod tunnel;
mod vrrp;

use std::path::PathBuf;

use toml::{Spanned, de::DeTable};

use super::{
    diagnostic::Sink,
    draft::Draft,
    schema::{self, Schema},
    table::{Item, Meaning, Refusal, Table},
};

/// Reads a whole file.
pub(super) fn read(root: &Spanned<DeTable<'_>>, sink: &mut Sink) -> Draft {
    let root = Table::open(root.get_ref(), 0..0, String::new(), &schema::ROOT, sink);
    let (limits, limit_spans) = limits::read(&root, sink);
    let (node, decapsulate) = node::read(&root, sink);
    Draft {
        node,
        decapsulate,
        limits,
        limit_spans,
        trackers: tables(root.get("track"), &schema::TRACK, track::read, sink),
        vrrp: tables(root.get("vrrp"), &schema::VRRP, vrrp::read, sink),
        vrrp_groups: tables(root.get("vrrp_group"), &schema::VRRP_GROUP, notify::group, sink),
        mail: mail::read(&root, sink),
        has_mail: root.get("mail").is_some(),
        webhook: pool_notify::webhook(&root, sink),
        has_webhook: root.get("webhook").is_some(),
        pools: tables(root.get("pool"), &schema::POOL, pool::read, sink),
        services: tables(root.get("service"), &schema::SERVICE, service::read, sink),
    }
}

/// Reads each table of an array.
fn tables<T>(
    array: Option<Item<'_>>,
    schema: &'static Schema,
    read: impl Fn(&Table<'_>, &mut Sink) -> T,
    sink: &mut Sink,
) -> Vec<T> {
    let items = array.and_then(|array| array.array(sink)).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.table(schema, sink).map(|table| read(&table, sink)))
        .collect()
}

/// An absolute path, so that it does not depend on the folder a program was started in.
fn absolute_path(item: &Item<'_>, sink: &mut Sink) -> Option<PathBuf> {
    let path = item.text(sink, |text| {
        if text.starts_with('/') && !text.contains('\0') {
            return Ok(PathBuf::from(text));
        }
        let message = format!("`{}` is not an absolute path", text.escape_debug());
        Err(Refusal { message, help: Some("write it from the root: \"/...\"".to_owned()) })
    });
    path.map(Spanned::into_inner)
}

/// A port as a number alone.
fn port_number(number: i128) -> Meaning<u16> {
    u16::try_from(number).ok().filter(|&port| port > 0).ok_or_else(|| Refusal {
        message: format!("port {number} is out of range: a port is 1 to 65535"),
        help: None,
    })
}
