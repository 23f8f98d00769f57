//! What the proxy does for a service, and how it uses a pool.

use std::num::NonZeroU32;

use toml::Spanned;

use super::{Item, Meaning, Refusal, Sink, Table, http, observe, schema, tls};
use crate::{
    access_log::Format,
    config::draft::RouteDraft,
    http::edit::HeaderName,
    model::{
        AccessLog, Balance, HashOf, Mode, PoolProxy, ProxyService, ProxyTimeouts, ProxyVersion,
        Redispatched,
    },
};

/// The keys that are for services of the proxy alone.
const KEYS: [&str; 6] = ["max_connections", "accept_proxy", "timeouts", "log", "http", "tls"];
/// Connections of a service, or of a server.
const MOST_CONNECTIONS: i128 = 1_000_000;
const MOST_QUEUED: i128 = 1_000_000;
const MOST_IDLE: i128 = 10_000;
const MOST_RETRIES: i128 = 100;
const BALANCES: [(&str, Balance); 5] = [
    ("roundrobin", Balance::RoundRobin),
    ("leastconn", Balance::LeastConn),
    ("random", Balance::Random),
    ("first", Balance::First),
    ("hash", Balance::Hash),
];
const REDISPATCHED: [(&str, Redispatched); 3] =
    [("off", Redispatched::Off), ("last", Redispatched::Last), ("every", Redispatched::Every)];
const VERSIONS: [(&str, ProxyVersion); 2] = [("v1", ProxyVersion::V1), ("v2", ProxyVersion::V2)];

/// Reads those keys of a service, and its routes with where they stand; `None` for a mode that has none.
pub(super) fn service(
    table: &Table<'_>,
    mode: Option<Mode>,
    sink: &mut Sink,
) -> Option<(Box<ProxyService>, Vec<RouteDraft>)> {
    let Some(mut proxy) = ProxyService::of_mode(mode?) else {
        for (key, item) in KEYS.iter().filter_map(|key| Some((key, table.get(key)?))) {
            let message = format!("`{key}` is for services of the proxy");
            sink.error(item.span, item.path, message)
                .help("write `mode = \"http\"` or `mode = \"tcp\"`, or leave it out".to_owned());
        }
        return None;
    };
    if let Some(most) = table.get("max_connections").and_then(|item| connections(&item, sink)) {
        proxy.max_connections = most;
    }
    let accepts = table.get("accept_proxy").and_then(|item| item.boolean(sink));
    proxy.accept_proxy = accepts.is_some_and(Spanned::into_inner);
    if let Some(table) = table.get("timeouts").and_then(|item| item.table(&schema::TIMEOUTS, sink))
    {
        let timeouts = &mut proxy.timeouts;
        for (key, value) in [
            ("http_request", &mut timeouts.http_request),
            ("http_keep_alive", &mut timeouts.http_keep_alive),
            ("client", &mut timeouts.client),
            ("tunnel", &mut timeouts.tunnel),
        ] {
            set_time(&table, key, value, sink);
        }
    }
    if let Some(item) = table.get("log") {
        proxy.log = item.text(sink, log).map(Spanned::into_inner)?;
    }
    if let Some(item) = table.get("tls") {
        proxy.tls = Some(tls::read(&item, sink)?);
    }
    let mut routes = Vec::new();
    match (table.get("http"), &mut proxy.http) {
        (Some(item), Some(own)) => (*own, routes) = http::read(&item, sink)?,
        (Some(item), None) => {
            sink.error(item.span, item.path, "`http` is for services with `mode = \"http\"`")
                .help("write `mode = \"http\"`, or leave it out".to_owned());
        }
        (None, _) => {}
    }
    Some((proxy, routes))
}

/// Connections at a time.
pub(super) fn connections(item: &Item<'_>, sink: &mut Sink) -> Option<NonZeroU32> {
    let most = number(item, 1..=MOST_CONNECTIONS, sink)?;
    NonZeroU32::new(most)
}

/// The words for a format, or one of HAProxy's variables.
fn log(text: &str) -> Meaning<Option<AccessLog>> {
    Ok(match text {
        "off" => None,
        "http" => Some(AccessLog::Http),
        "tcp" => Some(AccessLog::Tcp),
        _ if !text.contains('%') => {
            let message = format!("`{text}` is no format of a log");
            let help = "available: `http`, `tcp`, `off`, or a format such as \"%ci %ST %r\"";
            return Err(Refusal { message, help: Some(help.to_owned()) });
        }
        format => {
            Format::parse(format)?;
            Some(AccessLog::Custom(format.to_owned()))
        }
    })
}

/// Reads the `proxy` of a pool. `balance`: that of its scheduler.
pub(super) fn pool(item: Option<&Item<'_>>, balance: Balance, sink: &mut Sink) -> PoolProxy {
    let mut proxy = PoolProxy { balance, ..PoolProxy::default() };
    let Some(table) = item.and_then(|item| item.table(&schema::POOL_PROXY, sink)) else {
        return proxy;
    };
    if let Some(balance) =
        table.get("balance").and_then(|i| i.word(sink, "balance", &BALANCES, &[]))
    {
        proxy.balance = balance.into_inner();
    }
    for key in ["hash", "load_factor"] {
        if let Some(item) = table.get(key).filter(|_| proxy.balance != Balance::Hash) {
            let message = format!("`{key}` says nothing where servers are not chosen by a hash");
            sink.error(item.span, item.path, message)
                .help("add `balance = \"hash\"`, or leave it out".to_owned());
        }
    }
    if let Some(of) = table.get("hash").and_then(|item| item.text(sink, hash_of)) {
        proxy.hash = of.into_inner();
    }
    proxy.load_factor = table.get("load_factor").and_then(|item| number(&item, 101..=1_000, sink));
    for (key, value) in [
        ("connect_timeout", &mut proxy.connect_timeout),
        ("server_timeout", &mut proxy.server_timeout),
        ("queue_timeout", &mut proxy.queue_timeout),
        ("idle_timeout", &mut proxy.idle_timeout),
    ] {
        set_time(&table, key, value, sink);
    }
    for (key, most, value) in [
        ("max_queue", MOST_QUEUED, &mut proxy.max_queue),
        ("max_idle", MOST_IDLE, &mut proxy.max_idle),
    ] {
        if let Some(item) = table.get(key) {
            *value = number(&item, 0..=most, sink).unwrap_or(*value);
        }
    }
    if let Some(item) = table.get("retries") {
        proxy.retries = number(&item, 0..=MOST_RETRIES, sink).unwrap_or(proxy.retries);
    }
    let redispatch = table.get("redispatch");
    if let Some(when) = redispatch.and_then(|item| item.word(sink, "choice", &REDISPATCHED, &[])) {
        proxy.redispatch = when.into_inner();
    }
    let version = table.get("send_proxy");
    let version =
        version.and_then(|i| i.word(sink, "version of the PROXY protocol", &VERSIONS, &[]));
    proxy.send_proxy = version.map(Spanned::into_inner);
    proxy.tls = table.get("tls").and_then(|item| tls::pool(&item, sink));
    proxy.observe = table.get("observe").and_then(|item| observe::read(&item, sink));
    proxy
}

/// `source`, `uri`, `uri-with-query`, or `header NAME`.
fn hash_of(text: &str) -> Meaning<HashOf> {
    Ok(match text {
        "source" => HashOf::Source,
        "uri" => HashOf::Uri,
        "uri-with-query" => HashOf::UriWithQuery,
        _ => {
            let Some(name) = text.strip_prefix("header ") else {
                let message = format!("nothing can be hashed by `{text}`");
                let help = "available: `source`, `uri`, `uri-with-query` and `header NAME`";
                return Err(Refusal { message, help: Some(help.to_owned()) });
            };
            HeaderName::new(name)?;
            HashOf::Header(name.to_owned())
        }
    })
}

fn set_time(table: &Table<'_>, key: &str, value: &mut std::time::Duration, sink: &mut Sink) {
    let time = |item: Item<'_>| item.duration(sink, |time| Ok(ProxyTimeouts::time(time)?));
    if let Some(time) = table.get(key).and_then(time) {
        *value = time.into_inner();
    }
}

/// A number within a range.
pub(super) fn number<T: TryFrom<i128>>(
    item: &Item<'_>,
    range: std::ops::RangeInclusive<i128>,
    sink: &mut Sink,
) -> Option<T> {
    let read = item.integer(sink, |number| {
        let fits = range.contains(&number).then(|| T::try_from(number).ok()).flatten();
        fits.ok_or_else(|| Refusal {
            message: format!("{number} is out of range: {} to {}", range.start(), range.end()),
            help: None,
        })
    });
    read.map(Spanned::into_inner)
}
