//! The keys of an HTTP check.

use toml::Spanned;

use super::{Item, Sink, Table};
use crate::{
    config::table::Refusal,
    model::{BodyMatch, HttpCheck, HttpMethod},
};

const METHODS: [(&str, HttpMethod); 3] =
    [("GET", HttpMethod::Get), ("HEAD", HttpMethod::Head), ("OPTIONS", HttpMethod::Options)];

/// Reads them. What is refused has its default in what is returned.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> HttpCheck {
    let mut check = HttpCheck::default();
    if let Some(method) =
        table.get("method").and_then(|item| item.word(sink, "method", &METHODS, &[]))
    {
        check.method = method.into_inner();
    }
    if let Some(path) = table.get("path").and_then(|item| item.text(sink, |text| Ok(text.parse()?)))
    {
        check.path = path.into_inner();
    }
    check.host = table
        .get("host")
        .and_then(|item| item.text(sink, |text| Ok(text.parse()?)))
        .map(Spanned::into_inner);
    if let Some(item) = table.get("headers") {
        let headers = item.list(sink, |text| Ok(text.parse()?));
        check.headers = headers.into_iter().map(|header| header.value).collect();
    }
    if let Some(item) = table.get("status") {
        if item.is_empty_array() {
            let message = "no status would be a good one".to_owned();
            sink.error(item.span.clone(), item.path.clone(), message)
                .help("name some: `status = [\"200-299\", \"404\"]`".to_owned());
        }
        let ranges = item.list(sink, |text| Ok(text.parse()?));
        check.status = ranges.into_iter().map(|range| range.value).collect();
    }
    check.body = body(table, check.method, sink);
    check
}

fn body(table: &Table<'_>, method: HttpMethod, sink: &mut Sink) -> Option<BodyMatch> {
    let (text, regex) = (table.get("body"), table.get("body_regex"));
    if let (Some(_), Some(regex)) = (&text, &regex) {
        let message = "`body` and `body_regex` are two ways to say the same".to_owned();
        sink.error(regex.span.clone(), regex.path.clone(), message)
            .help("keep one of them".to_owned());
    }
    let item = text.as_ref().or(regex.as_ref()).filter(|_| method == HttpMethod::Head);
    if let Some(Item { span, path, .. }) = item {
        let message = "an answer to HEAD has no body".to_owned();
        sink.error(span.clone(), path.clone(), message).help("write `method = \"GET\"`".to_owned());
    }
    let text = text.and_then(|item| item.text(sink, not_empty)).map(Spanned::into_inner);
    let regex =
        regex.and_then(|item| item.text(sink, |text| Ok(text.parse()?))).map(Spanned::into_inner);
    text.map(BodyMatch::Contains).or_else(|| regex.map(BodyMatch::Regex))
}

fn not_empty(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        let message = "an empty text is in every body".to_owned();
        return Err(Refusal {
            message,
            help: Some("leave the key out, or write some words".to_owned()),
        });
    }
    Ok(text.to_owned())
}
