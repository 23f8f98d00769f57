//! `[[track]]`: trackers, each of the kind that its key says.

use std::{ops::Range, time::Duration};

use toml::Spanned;

use super::{Item, Sink, Table, absolute_path, script};
use crate::{
    config::{
        draft::TrackerDraft,
        nearest::list,
        table::{Meaning, Refusal},
    },
    model::{
        Check, InterfaceName, Name, TrackFile, TrackProcess, TrackScript, Tracker, TrackerKind,
        show_duration,
    },
    vrrp::track::TrackWeight,
};

/// The keys that say what is watched.
const KINDS: [&str; 6] = ["script", "process", "file", "interface", "pool", "proxy"];

/// The keys that only some kinds have.
const SPECIAL: [(&str, &[&str]); 8] = [
    ("interval", &["script", "process", "file"]),
    ("timeout", &["script"]),
    ("rise", &["script"]),
    ("fall", &["script"]),
    ("user", &["script"]),
    ("shell", &["script"]),
    ("arguments", &["process"]),
    ("at_least", &["process"]),
];

/// Reads one tracker.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> TrackerDraft {
    let name = |text: &str| Ok(Name::new(text)?);
    let item = what(table, sink);
    TrackerDraft {
        path: table.path.clone(),
        name: table.require("name", "\"haproxy\"", sink).and_then(|item| item.text(sink, name)),
        weight: weight(table, sink).map(Spanned::into_inner),
        place: item.as_ref().map_or_else(|| table.span.clone(), |(_, item)| item.span.clone()),
        kind: item.and_then(|(key, item)| kind(key, &item, table, sink)),
    }
}

/// The weight in a tracker, or in an instance's list.
pub(super) fn weight(table: &Table<'_>, sink: &mut Sink) -> Option<Spanned<TrackWeight>> {
    table.get("weight").and_then(|item| item.integer(sink, |weight| Ok(TrackWeight::new(weight)?)))
}

/// The one key that says what is watched.
fn what<'a>(table: &Table<'a>, sink: &mut Sink) -> Option<(&'static str, Item<'a>)> {
    let mut found = KINDS.into_iter().filter_map(|key| Some((key, table.get(key)?)));
    let Some(first) = found.next() else {
        let message = "the tracker watches nothing".to_owned();
        sink.error(table.span.clone(), table.path.clone(), message)
            .help(format!("add one of the keys {}", list(KINDS)));
        return None;
    };
    if let Some((key, second)) = found.next() {
        let message = format!("a tracker watches one thing: `{}` and `{key}` are two", first.0);
        sink.error(second.span, second.path, message)
            .related(first.1.span.clone(), "the other one")
            .help("write a [[track]] for each".to_owned());
    }
    Some(first)
}

fn kind(key: &str, item: &Item<'_>, table: &Table<'_>, sink: &mut Sink) -> Option<TrackerKind> {
    for (special, kinds) in SPECIAL.into_iter().filter(|(_, kinds)| !kinds.contains(&key)) {
        let Some(item) = table.get(special) else { continue };
        let message = format!("`{special}` says nothing here: it is for {}", list(kinds));
        sink.error(item.span, item.path, message).help("leave it out".to_owned());
    }
    Some(match key {
        "script" => TrackerKind::Script(watched_script(item, table, sink)?),
        "process" => TrackerKind::Process(TrackProcess {
            process: item.text(sink, program)?.into_inner(),
            arguments: table
                .get("arguments")
                .map(|item| {
                    item.list(sink, argument).into_iter().map(|entry| entry.value).collect()
                })
                .unwrap_or_default(),
            at_least: table
                .get("at_least")
                .and_then(|item| item.integer(sink, |count| Ok(Tracker::at_least(count)?)))
                .map_or(1, Spanned::into_inner),
            interval: interval(table, sink),
        }),
        "file" => TrackerKind::File(TrackFile {
            path: absolute_path(item, sink)?,
            interval: interval(table, sink),
        }),
        "interface" => {
            let name = item.text(sink, |text| Ok(InterfaceName::new(text)?))?;
            TrackerKind::Interface(name.into_inner())
        }
        "pool" => TrackerKind::Pool(item.text(sink, |text| Ok(Name::new(text)?))?.into_inner()),
        _ => TrackerKind::Proxy(item.text(sink, |text| Ok(Name::new(text)?))?.into_inner()),
    })
}

fn watched_script(item: &Item<'_>, table: &Table<'_>, sink: &mut Sink) -> Option<TrackScript> {
    let shell = table.get("shell").and_then(|item| item.boolean(sink));
    let command = if shell.is_some_and(Spanned::into_inner) {
        script::shell(item, sink)
    } else {
        script::script(item, sink)
    };
    let user = table.get("user").map(|item| item.text(sink, script::user).map(Spanned::into_inner));
    let interval = interval(table, sink);
    let timeout = time(table, "timeout", sink);
    if let Some((timeout, span)) = timeout.as_ref().filter(|(timeout, _)| *timeout > interval) {
        let (long, short) = (show_duration(*timeout), show_duration(interval));
        let message = format!("timeout {long} is longer than the interval {short}");
        sink.warning(span.clone(), table.path_of("timeout"), message)
            .help("the next run waits for the end of the one before".to_owned());
    }
    let mut count = |key| {
        let item = table.get(key)?;
        item.integer(sink, |count| Ok(Check::count(count)?)).map(Spanned::into_inner)
    };
    let (rise, fall) = (count("rise").unwrap_or(1), count("fall").unwrap_or(1));
    Some(TrackScript {
        script: command?,
        user: user.unwrap_or_else(|| Some(TrackScript::DEFAULT_USER.to_owned()))?,
        interval,
        timeout: timeout.map_or(interval, |(timeout, _)| timeout),
        rise,
        fall,
    })
}

fn interval(table: &Table<'_>, sink: &mut Sink) -> Duration {
    time(table, "interval", sink).map_or(Tracker::DEFAULT_INTERVAL, |(interval, _)| interval)
}

fn time(table: &Table<'_>, key: &str, sink: &mut Sink) -> Option<(Duration, Range<usize>)> {
    let time = table.get(key)?.duration(sink, |time| Ok(Tracker::time(time)?))?;
    Some((*time.get_ref(), time.span()))
}

fn argument(text: &str) -> Meaning<String> {
    if text.is_empty() {
        return Err(Refusal { message: "an empty text says nothing".to_owned(), help: None });
    }
    script::argument(text)
}

/// The name that a process has, not a path.
fn program(text: &str) -> Meaning<String> {
    match text.rsplit_once('/') {
        Some((_, name)) => Err(Refusal {
            message: format!(
                "`{}` is a path: processes are found by their names",
                text.escape_debug()
            ),
            help: Some(format!("write \"{}\"", name.escape_debug())),
        }),
        None => argument(text),
    }
}
