//! `check` of a pool.

mod dns;
mod http;
mod pace;
mod route;
mod tls;

pub(super) use tls::read as tls;
mod words;

use toml::Spanned;

use super::{Item, Sink, Table, absolute_path, port_number, schema, script};
use crate::{
    config::{
        draft::CheckDraft,
        table::{Meaning, Refusal},
    },
    model::{
        AgentCheck, Check, CheckKind, CheckPace, Checks, FileCheck, GrpcCheck, Login, ScriptCheck,
        TrackScript, UdpCheck, show_duration,
    },
};

/// The kinds, by the word for them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Http,
    Tls,
    Https,
    Postgresql,
    Mysql,
    Redis,
    Smtp,
    Dns,
    Udp,
    Ping,
    Grpc,
    Agent,
    File,
    Script,
}

const CHECKS: [(&str, Kind); 15] = [
    ("tcp", Kind::Tcp),
    ("http", Kind::Http),
    ("tls", Kind::Tls),
    ("https", Kind::Https),
    ("postgresql", Kind::Postgresql),
    ("mysql", Kind::Mysql),
    ("redis", Kind::Redis),
    ("smtp", Kind::Smtp),
    ("dns", Kind::Dns),
    ("udp", Kind::Udp),
    ("ping", Kind::Ping),
    ("grpc", Kind::Grpc),
    ("agent", Kind::Agent),
    ("file", Kind::File),
    ("script", Kind::Script),
];

/// Keys of some kinds only.
struct Special {
    keys: &'static [&'static str],
    is_for: fn(Kind) -> bool,
    /// What those kinds are called.
    words: &'static str,
}

const SPECIAL: [Special; 15] = [
    Special { keys: schema::REQUEST.keys, is_for: is_http, words: "types `http` and `https`" },
    Special { keys: &["version", "requests"], is_for: is_http, words: "types `http` and `https`" },
    Special {
        keys: &["sni", "verify"],
        is_for: |kind| matches!(kind, Kind::Tls | Kind::Https | Kind::Grpc),
        words: "types `tls`, `https` and `grpc`",
    },
    Special {
        keys: &["user"],
        is_for: |kind| matches!(kind, Kind::Postgresql | Kind::Mysql | Kind::Script),
        words: "types `postgresql`, `mysql` and `script`",
    },
    Special {
        keys: &["query", "record", "rcode", "answer"],
        is_for: |kind| kind == Kind::Dns,
        words: "type `dns`",
    },
    Special {
        keys: &["send", "send_hex"],
        is_for: |kind| matches!(kind, Kind::Udp | Kind::Agent),
        words: "types `udp` and `agent`",
    },
    Special {
        keys: &["expect", "expect_hex", "expect_regex"],
        is_for: |kind| matches!(kind, Kind::Udp | Kind::File),
        words: "types `udp` and `file`",
    },
    Special { keys: &["service", "tls"], is_for: |kind| kind == Kind::Grpc, words: "type `grpc`" },
    Special {
        keys: &["port"],
        is_for: |kind| kind != Kind::Ping && !is_here(kind),
        words: "other types than `ping`, `file` and `script`",
    },
    Special {
        keys: &["address", "source", "mark"],
        is_for: |kind| !is_here(kind),
        words: "other types than `file` and `script`",
    },
    Special { keys: &["file"], is_for: |kind| kind == Kind::File, words: "type `file`" },
    Special { keys: &["dynamic"], is_for: is_here, words: "types `file` and `script`" },
    Special {
        keys: &["script", "shell"],
        is_for: |kind| kind == Kind::Script,
        words: "type `script`",
    },
    Special {
        keys: &["proxy_protocol"],
        is_for: |kind| !matches!(kind, Kind::Dns | Kind::Udp | Kind::Ping) && !is_here(kind),
        words: "types that open a connection",
    },
    Special {
        keys: &["through_vip"],
        is_for: |kind| !matches!(kind, Kind::Ping | Kind::Agent) && !is_here(kind),
        words: "types that ask a service",
    },
];

/// It asks nobody but this host.
const fn is_here(kind: Kind) -> bool {
    matches!(kind, Kind::File | Kind::Script)
}

const fn is_http(kind: Kind) -> bool {
    matches!(kind, Kind::Http | Kind::Https)
}

/// Reads the check of a pool, or several.
pub(super) fn read_all(item: &Item<'_>, sink: &mut Sink) -> Vec<CheckDraft> {
    if item.is_table() {
        return read(item, sink).into_iter().collect();
    }
    let items = item.array(sink).unwrap_or_default();
    if items.len() > Checks::MOST {
        let message = format!("{} checks are too many: use up to {}", items.len(), Checks::MOST);
        sink.error(item.span.clone(), item.path.clone(), message);
        return Vec::new();
    }
    items.iter().filter_map(|item| read(item, sink)).collect()
}

fn read(item: &Item<'_>, sink: &mut Sink) -> Option<CheckDraft> {
    let table = item.table(&schema::CHECK, sink)?;
    let kind = match table.get("type") {
        Some(kind) => kind.word(sink, "check type", &CHECKS, &[])?.into_inner(),
        None => Kind::Tcp,
    };
    refuse_keys_of_others(&table, kind, sink);
    let mut check = Check {
        kind: match kind {
            Kind::Tcp => CheckKind::Tcp,
            Kind::Http => CheckKind::Http(http::read(&table, sink)),
            Kind::Tls => CheckKind::Tls(tls::read(&table, None, sink)?),
            Kind::Https => {
                let http = http::read(&table, sink);
                let host = http.requests.iter().find_map(|request| request.host.as_ref());
                let tls = tls::read(&table, host, sink)?;
                CheckKind::Https { http, tls }
            }
            Kind::Postgresql => CheckKind::Postgresql(login(&table, sink)),
            Kind::Mysql => CheckKind::Mysql(login(&table, sink)),
            Kind::Redis => CheckKind::Redis,
            Kind::Smtp => CheckKind::Smtp,
            Kind::Dns => CheckKind::Dns(dns::read(&table, sink)),
            Kind::Udp => CheckKind::Udp(UdpCheck {
                send: words::send(&table, sink),
                expect: words::expect(&table, sink),
            }),
            Kind::Ping => CheckKind::Ping,
            Kind::Grpc => CheckKind::Grpc(grpc(&table, sink)?),
            Kind::File => CheckKind::File(file(&table, sink)?),
            Kind::Script => CheckKind::Script(run(&table, sink)?),
            Kind::Agent => CheckKind::Agent(AgentCheck { send: words::send(&table, sink) }),
        },
        route: route::read(&table, sink),
        pace: pace::read(&table, sink),
        ..usual(kind)
    };
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
    let place = place.or_else(|| table.get("interval_changing").map(|item| item.span));
    let place = place.or_else(|| table.get("interval_down").map(|item| item.span));
    check.port = port.map(Spanned::into_inner);
    check.interval = interval.map_or(check.interval, Spanned::into_inner);
    // A short interval alone brings the default timeout down with it.
    let CheckPace { interval_down, interval_changing, .. } = check.pace;
    let intervals = [Some(check.interval), interval_down, interval_changing];
    let shortest = intervals.into_iter().flatten().min().unwrap_or(check.interval);
    check.timeout = timeout.map_or(check.timeout.min(shortest), Spanned::into_inner);
    check.rise = rise.map_or(check.rise, Spanned::into_inner);
    check.fall = fall.map_or(check.fall, Spanned::into_inner);
    if let Some(span) = place.filter(|_| check.timeout > shortest) {
        let message = format!(
            "timeout {} is longer than the interval {}: the next check waits for the answer",
            show_duration(check.timeout),
            show_duration(shortest)
        );
        sink.warning(span, table.path_of("timeout"), message);
    }
    Some(CheckDraft { span: table.span, path: table.path, check })
}

fn login(table: &Table<'_>, sink: &mut Sink) -> Login {
    let user = table.get("user").and_then(|item| item.text(sink, |text| Ok(text.parse()?)));
    Login { user: user.map(Spanned::into_inner) }
}

/// What holds where nothing is said. An agent says what it means: one word is enough.
fn usual(kind: Kind) -> Check {
    match kind {
        Kind::Agent => Check { rise: 1, fall: 1, ..Check::default() },
        _ => Check::default(),
    }
}

fn grpc(table: &Table<'_>, sink: &mut Sink) -> Option<GrpcCheck> {
    let service = table.get("service").and_then(|item| item.text(sink, |text| Ok(text.parse()?)));
    let is_tls = table.get("tls").and_then(|item| item.boolean(sink));
    let certificate = if is_tls.is_some_and(Spanned::into_inner) {
        Some(tls::read(table, None, sink)?)
    } else {
        for item in ["sni", "verify"].into_iter().filter_map(|key| table.get(key)) {
            let message = "there is no certificate in a check without TLS".to_owned();
            sink.error(item.span, item.path, message).help("add `tls = true`".to_owned());
        }
        None
    };
    Some(GrpcCheck { service: service.map(Spanned::into_inner).unwrap_or_default(), certificate })
}

fn run(table: &Table<'_>, sink: &mut Sink) -> Option<ScriptCheck> {
    let item = table.require("script", "[\"/usr/local/bin/check\", \"{address}\"]", sink)?;
    let mut flag = |key| table.get(key).and_then(|item| item.boolean(sink));
    let (shell, dynamic) = (flag("shell"), flag("dynamic"));
    let script = if shell.is_some_and(Spanned::into_inner) {
        script::shell(&item, sink)
    } else {
        script::script(&item, sink)
    };
    let user = table.get("user").map(|item| item.text(sink, script::user).map(Spanned::into_inner));
    let user = user.unwrap_or_else(|| Some(TrackScript::DEFAULT_USER.to_owned()));
    let dynamic = dynamic.is_some_and(Spanned::into_inner);
    Some(ScriptCheck { script: script?, user: user?, dynamic })
}

fn file(table: &Table<'_>, sink: &mut Sink) -> Option<FileCheck> {
    let file = table.require("file", "\"/run/health/{name}\"", sink)?;
    let dynamic = table.get("dynamic").and_then(|item| item.boolean(sink));
    let expect = words::expect(table, sink);
    let file = absolute_path(&file, sink)?;
    Some(FileCheck { file, expect, dynamic: dynamic.is_some_and(Spanned::into_inner) })
}

/// A text that says something.
fn not_empty(text: &str, why: &str) -> Meaning<String> {
    if text.is_empty() {
        let help = Some("leave the key out, or write some words".to_owned());
        return Err(Refusal { message: why.to_owned(), help });
    }
    Ok(text.to_owned())
}

fn refuse_keys_of_others(table: &Table<'_>, kind: Kind, sink: &mut Sink) {
    for Special { keys, is_for, words } in SPECIAL {
        for key in keys.iter().filter(|_| !is_for(kind)) {
            let Some(item) = table.get(key) else { continue };
            let message =
                format!("`{key}` says nothing to this check: it is for checks of {words}");
            sink.error(item.span, item.path, message)
                .help("name another `type`, or leave the key out".to_owned());
        }
    }
}
