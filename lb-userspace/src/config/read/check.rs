//! `check` of a pool.

use toml::Spanned;

use super::{Item, Sink, port_number, schema};
use crate::{
    config::draft::CheckDraft,
    model::{Check, CheckKind, show_duration},
};

const CHECKS: [(&str, CheckKind); 1] = [("tcp", CheckKind::Tcp)];
const LATER_CHECKS: [&str; 7] = ["http", "https", "tls", "udp", "dns", "smtp", "script"];

/// Reads the check of a pool.
pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Option<CheckDraft> {
    let table = item.table(&schema::CHECK, sink)?;
    let mut check = Check::default();
    if let Some(kind) = table.get("type") {
        check.kind = kind.word(sink, "check type", &CHECKS, &LATER_CHECKS)?.into_inner();
    }
    let port = table.get("port").and_then(|item| item.integer(sink, port_number));
    let interval =
        table.get("interval").and_then(|item| item.duration(sink, |time| Ok(Check::time(time)?)));
    let timeout =
        table.get("timeout").and_then(|item| item.duration(sink, |time| Ok(Check::time(time)?)));
    let rise =
        table.get("rise").and_then(|item| item.integer(sink, |count| Ok(Check::count(count)?)));
    let fall =
        table.get("fall").and_then(|item| item.integer(sink, |count| Ok(Check::count(count)?)));

    let place = timeout.as_ref().or(interval.as_ref()).map(Spanned::span);
    check.port = port.map(Spanned::into_inner);
    check.interval = interval.map_or(check.interval, Spanned::into_inner);
    // A short interval alone brings the default timeout down with it.
    check.timeout = timeout.map_or(check.timeout.min(check.interval), Spanned::into_inner);
    check.rise = rise.map_or(check.rise, Spanned::into_inner);
    check.fall = fall.map_or(check.fall, Spanned::into_inner);
    if let Some(span) = place.filter(|_| check.timeout > check.interval) {
        let message = format!(
            "timeout {} is longer than the interval {}: the next check waits for the answer",
            show_duration(check.timeout),
            show_duration(check.interval)
        );
        sink.warning(span, table.path_of("timeout"), message);
    }
    Some(CheckDraft { span: table.span, path: table.path, check })
}
