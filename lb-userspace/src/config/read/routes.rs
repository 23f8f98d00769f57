//! `routes` of a service: which requests, and what becomes of them.

use toml::Spanned;

use super::{Item, Meaning, Sink, Table, proxied::number, schema};
use crate::{
    config::draft::RouteDraft,
    http::rules::{Condition, HeaderPattern, RuleError, Test, compile},
    model::{HeaderTest, Name, PathTest, Route, RouteTest, RouteThen, parse_network},
};

/// Reads all that have a meaning, in their order.
pub(super) fn read(item: Option<Item<'_>>, sink: &mut Sink) -> Vec<(Route, RouteDraft)> {
    let items = item.and_then(|item| item.array(sink)).unwrap_or_default();
    items.iter().filter_map(|item| route(item, sink)).collect()
}

fn route(item: &Item<'_>, sink: &mut Sink) -> Option<(Route, RouteDraft)> {
    let table = item.table(&schema::ROUTE_HTTP, sink)?;
    // What was refused has been reported: without it, the route would be another one.
    let when = tests(&table, sink);
    let (then, pool) = then(&table, sink)?;
    let when = when?;
    let condition = Condition::of(&when).ok()?;
    let draft = RouteDraft { span: item.span.clone(), path: item.path.clone(), condition, pool };
    Some((Route { when, then }, draft))
}

fn tests(table: &Table<'_>, sink: &mut Sink) -> Option<Vec<RouteTest>> {
    let mut tests = Vec::new();
    let mut all = true;
    let mut keep = |test: Option<RouteTest>| match test {
        Some(test) => tests.push(test),
        None => all = false,
    };
    let meant = |test: RouteTest| Test::try_from(&test).map(|_| test);
    if let Some(item) = table.get("host") {
        keep(
            values(&item, sink, |host| meant(RouteTest::Host(vec![host])).map(drop))
                .map(RouteTest::Host),
        );
    }
    let mut paths = Some(Vec::new());
    type Kind = fn(String) -> PathTest;
    let kinds: [(&str, Kind); 3] = [
        ("path", PathTest::Exact),
        ("path_prefix", PathTest::Prefix),
        ("path_regex", PathTest::Regex),
    ];
    for (key, kind) in kinds {
        let Some(item) = table.get(key) else { continue };
        let found = values(&item, sink, |path| meant(RouteTest::Path(vec![kind(path)])).map(drop));
        match (&mut paths, found) {
            (Some(paths), Some(found)) => paths.extend(found.into_iter().map(kind)),
            (_, None) => paths = None,
            (None, Some(_)) => {}
        }
    }
    match paths {
        Some(paths) if paths.is_empty() => {}
        paths => keep(paths.map(RouteTest::Path)),
    }
    if let Some(item) = table.get("method") {
        keep(
            values(&item, sink, |method| meant(RouteTest::Method(vec![method])).map(drop))
                .map(RouteTest::Method),
        );
    }
    for item in table.get("headers").and_then(|item| item.array(sink)).unwrap_or_default() {
        keep(header(&item, sink));
    }
    if let Some(item) = table.get("source") {
        let networks = texts(&item, sink, |text| Ok(parse_network(text)?));
        keep(networks.map(RouteTest::Source));
    }
    all.then_some(tests)
}

/// One text, or several, that can be meant.
fn values(
    item: &Item<'_>,
    sink: &mut Sink,
    meant: impl Fn(String) -> Result<(), RuleError>,
) -> Option<Vec<String>> {
    texts(item, sink, |text| {
        meant(text.to_owned())?;
        Ok(text.to_owned())
    })
}

/// What one text means, or each of several; `None` where one of them means nothing.
pub(super) fn texts<T>(
    item: &Item<'_>,
    sink: &mut Sink,
    meaning: impl Fn(&str) -> Meaning<T>,
) -> Option<Vec<T>> {
    if !item.is_array() {
        return item.text(sink, meaning).map(|one| vec![one.into_inner()]);
    }
    if item.is_empty_array() {
        sink.error(item.span.clone(), item.path.clone(), "no request fits an empty list")
            .help("leave it out where every request is meant".to_owned());
        return None;
    }
    let count = item.array(sink)?.len();
    let all: Vec<_> = item.list(sink, meaning).into_iter().map(|entry| entry.value).collect();
    (all.len() == count).then_some(all)
}

fn header(item: &Item<'_>, sink: &mut Sink) -> Option<RouteTest> {
    let table = item.table(&schema::ROUTE_HEADER, sink)?;
    let name = table.require("name", "\"X-Name\"", sink)?;
    let name = name.text(sink, |name| {
        crate::http::edit::HeaderName::new(name)?;
        Ok(name.to_owned())
    });
    let value = match table.one_of(&["value", "contains", "regex"], "what its value is", sink) {
        None => HeaderTest::Present,
        Some((key, item)) => item
            .text(sink, |text| {
                let test = match key {
                    "value" => HeaderTest::Exact(text.to_owned()),
                    "contains" => HeaderTest::Contains(text.to_owned()),
                    _ => HeaderTest::Regex(text.to_owned()),
                };
                HeaderPattern::try_from(&test)?;
                Ok(test)
            })?
            .into_inner(),
    };
    Some(RouteTest::Header(name?.into_inner(), value))
}

fn then(table: &Table<'_>, sink: &mut Sink) -> Option<(RouteThen, Option<Spanned<Name>>)> {
    let what = "what becomes of a request";
    let Some((key, item)) = table.one_of(&["pool", "redirect", "deny"], what, sink) else {
        sink.error(table.span.clone(), table.path.clone(), format!("nothing says {what}"))
            .help("add `pool = \"...\"`, `redirect = \"https\"` or `deny = 403`".to_owned());
        return None;
    };
    if key == "redirect" {
        return Some((redirect(&item, table, sink)?, None));
    }
    for item in ["status", "https_port"].into_iter().filter_map(|key| table.get(key)) {
        sink.error(item.span, item.path, "this is for a `redirect`")
            .help("leave it out".to_owned());
    }
    if key == "pool" {
        let pool = item.text(sink, |name| Ok(Name::new(name)?))?;
        return Some((RouteThen::Pool(pool.get_ref().clone()), Some(pool)));
    }
    let status = status(&item, sink, |status| compile::denial(status).map(drop))?;
    Some((RouteThen::Deny(status), None))
}

fn redirect(item: &Item<'_>, table: &Table<'_>, sink: &mut Sink) -> Option<RouteThen> {
    let is_https = item.is("https");
    let code = match table.get("status") {
        // For good, as the whole site moves; a single URL may come back.
        None if is_https => 301,
        None => 302,
        Some(item) => status(&item, sink, |status| compile::redirection(status).map(drop))?,
    };
    let port = table.get("https_port");
    if is_https {
        let port = port.map(|item| number(&item, 1..=65_535, sink));
        return Some(RouteThen::ToHttps(code, port.unwrap_or(Some(443))?));
    }
    if let Some(item) = port {
        let message = "`https_port` is for `redirect = \"https\"`";
        sink.error(item.span, item.path, message).help("write the port into the URL".to_owned());
    }
    let url = item.text(sink, |text| Ok(compile::url(text)?.to_owned()))?;
    Some(RouteThen::To(code, url.into_inner()))
}

fn status(
    item: &Item<'_>,
    sink: &mut Sink,
    meant: impl Fn(u16) -> Result<(), RuleError>,
) -> Option<u16> {
    let status = item.integer(sink, |number| {
        let status = u16::try_from(number).unwrap_or(0);
        meant(status)?;
        Ok(status)
    });
    status.map(Spanned::into_inner)
}
