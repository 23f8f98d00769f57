//! `http` of a service: what is done with requests.

use bytesize::ByteSize;
use toml::Spanned;

use super::{Item, Meaning, Refusal, Sink, Table, proxied::number, routes, schema};
use crate::{
    config::draft::RouteDraft,
    http::rules::{RuleError, compile},
    model::{HeaderChange, HttpService, parse_network},
};

/// Reads it; the routes once more, with where they stand.
pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Option<(HttpService, Vec<RouteDraft>)> {
    let table = item.table(&schema::HTTP, sink)?;
    let mut http = HttpService::default();
    if let Some(item) = table.get("max_body") {
        http.max_body = bytes(&item, sink)?;
    }
    let host = |text: &str| {
        compile::own_host(text)?;
        Ok(text.to_owned())
    };
    http.host = table.get("host").and_then(|item| item.text(sink, host)).map(Spanned::into_inner);
    let fields = &mut http.forwarded;
    for (key, on) in [
        ("x_forwarded_for", &mut fields.x_forwarded_for),
        ("x_forwarded_proto", &mut fields.x_forwarded_proto),
        ("forwarded", &mut fields.forwarded),
    ] {
        let said = table.get(key).and_then(|item| item.boolean(sink));
        *on = said.is_some_and(Spanned::into_inner);
    }
    if let Some(item) = table.get("forwarded_except") {
        let networks = item.list(sink, |text| Ok(parse_network(text)?));
        fields.except = networks.into_iter().map(|entry| entry.value).collect();
        if !(fields.x_forwarded_for || fields.x_forwarded_proto || fields.forwarded) {
            let message = "`forwarded_except` excepts clients from nothing";
            sink.error(item.span, item.path, message)
                .help("add `x_forwarded_for = true`, or leave it out".to_owned());
        }
    }
    http.request_headers = headers(&table, "request_headers", sink);
    http.response_headers = headers(&table, "response_headers", sink);
    let (routes, drafts) = routes::read(table.get("routes"), sink).into_iter().unzip();
    http.routes = routes;
    Some((http, drafts))
}

/// `"10MiB"`, or a number of bytes.
fn bytes(item: &Item<'_>, sink: &mut Sink) -> Option<u64> {
    if !item.is_text() {
        return number(item, 0..=i128::from(i64::MAX), sink);
    }
    let size = |text: &str| -> Meaning<u64> {
        let help = "write a number of bytes, or one with a unit: \"10MiB\", \"500kB\"";
        let size = text.parse::<ByteSize>().map_err(|reason| Refusal {
            message: format!("`{text}` is no size: {reason}"),
            help: Some(help.to_owned()),
        })?;
        Ok(size.as_u64())
    };
    item.text(sink, size).map(Spanned::into_inner)
}

/// A list of edits, in their order.
fn headers(table: &Table<'_>, key: &str, sink: &mut Sink) -> Vec<HeaderChange> {
    let items = table.get(key).and_then(|item| item.array(sink)).unwrap_or_default();
    items.iter().filter_map(|item| header(item, sink)).collect()
}

fn header(item: &Item<'_>, sink: &mut Sink) -> Option<HeaderChange> {
    let table = item.table(&schema::HEADER_EDIT, sink)?;
    let what = "what becomes of a header";
    let Some((key, name)) = table.one_of(&["set", "add", "delete"], what, sink) else {
        let message = format!("nothing says {what}");
        sink.error(item.span.clone(), item.path.clone(), message)
            .help("write `{ set = \"X-Name\", value = \"...\" }`".to_owned());
        return None;
    };
    let name = name.text(sink, |name| {
        crate::http::edit::HeaderName::new(name)?;
        Ok(name.to_owned())
    });
    if key == "delete" {
        if let Some(value) = table.get("value") {
            let message = "a header is deleted whatever its value is";
            sink.error(value.span, value.path, message).help("leave it out".to_owned());
        }
        return Some(HeaderChange::Delete(name?.into_inner()));
    }
    let value = table.require("value", "\"...\"", sink)?.text(sink, |value| {
        crate::http::edit::HeaderValue::new(value).map_err(RuleError::from)?;
        Ok(value.to_owned())
    });
    let (name, value) = (name?.into_inner(), value?.into_inner());
    Some(if key == "set" { HeaderChange::Set(name, value) } else { HeaderChange::Add(name, value) })
}
