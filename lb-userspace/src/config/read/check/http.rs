//! The keys of an HTTP check.

use toml::Spanned;

use super::{Item, Sink, Table, not_empty, schema};
use crate::model::{BodyMatch, HttpCheck, HttpMethod, HttpRequest, HttpVersion};

const METHODS: [(&str, HttpMethod); 3] =
    [("GET", HttpMethod::Get), ("HEAD", HttpMethod::Head), ("OPTIONS", HttpMethod::Options)];
const VERSIONS: [(&str, HttpVersion); 2] = [("1.1", HttpVersion::One), ("2", HttpVersion::Two)];
const BODIES: [&str; 3] = ["body", "body_regex", "body_sha256"];
/// The most requests of a check.
const MOST: usize = 16;

/// Reads them. What is refused has its default in what is returned.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> HttpCheck {
    let version = table.get("version").and_then(|item| item.word(sink, "version", &VERSIONS, &[]));
    let requests = match table.get("requests") {
        Some(list) => {
            for item in schema::REQUEST.keys.iter().filter_map(|key| table.get(key)) {
                let message =
                    "the check has a list of requests, each with keys of its own".to_owned();
                sink.error(item.span, item.path, message)
                    .related(list.span.clone(), "the list")
                    .help("put the key into the requests that it is for".to_owned());
            }
            requests(&list, sink)
        }
        None => vec![request(table, sink)],
    };
    HttpCheck { version: version.map(Spanned::into_inner).unwrap_or_default(), requests }
}

fn requests(list: &Item<'_>, sink: &mut Sink) -> Vec<HttpRequest> {
    let items = list.array(sink).unwrap_or_default();
    if items.is_empty() || items.len() > MOST {
        let message = format!("a check has 1 to {MOST} requests, this one has {}", items.len());
        sink.error(list.span.clone(), list.path.clone(), message)
            .help("write some: `requests = [{ path = \"/a\" }, { path = \"/b\" }]`".to_owned());
    }
    let tables = items.iter().filter_map(|item| {
        let table = item.table(&schema::REQUEST, sink)?;
        Some(request(&table, sink))
    });
    tables.collect()
}

fn request(table: &Table<'_>, sink: &mut Sink) -> HttpRequest {
    let mut request = HttpRequest::default();
    if let Some(method) =
        table.get("method").and_then(|item| item.word(sink, "method", &METHODS, &[]))
    {
        request.method = method.into_inner();
    }
    if let Some(path) = table.get("path").and_then(|item| item.text(sink, |text| Ok(text.parse()?)))
    {
        request.path = path.into_inner();
    }
    request.host = table
        .get("host")
        .and_then(|item| item.text(sink, |text| Ok(text.parse()?)))
        .map(Spanned::into_inner);
    if let Some(item) = table.get("headers") {
        let headers = item.list(sink, |text| Ok(text.parse()?));
        request.headers = headers.into_iter().map(|header| header.value).collect();
    }
    if let Some(item) = table.get("status") {
        if item.is_empty_array() {
            let message = "no status would be a good one".to_owned();
            sink.error(item.span.clone(), item.path.clone(), message)
                .help("name some: `status = [\"200-299\", \"404\"]`".to_owned());
        }
        let ranges = item.list(sink, |text| Ok(text.parse()?));
        request.status = ranges.into_iter().map(|range| range.value).collect();
    }
    request.body = body(table, request.method, sink);
    request
}

fn body(table: &Table<'_>, method: HttpMethod, sink: &mut Sink) -> Option<BodyMatch> {
    let (key, item) = table.one_of(&BODIES, "a body", sink)?;
    if method == HttpMethod::Head {
        let message = "an answer to HEAD has no body".to_owned();
        sink.error(item.span.clone(), item.path.clone(), message)
            .help("write `method = \"GET\"`".to_owned());
    }
    let body = match key {
        "body" => item.text(sink, |text| {
            Ok(BodyMatch::Contains(not_empty(text, "an empty text is in every body")?))
        }),
        "body_regex" => item.text(sink, |text| Ok(BodyMatch::Regex(text.parse()?))),
        _ => item.text(sink, |text| Ok(BodyMatch::Sha256(text.parse()?))),
    };
    body.map(Spanned::into_inner)
}
