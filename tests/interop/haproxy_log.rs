//! The same traffic in HAProxy's log and in ours: every byte the same, but for what only HAProxy could know (how
//! long things took, how much was sent, how many connections there were), which is taken from its line.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use lb_userspace::access_log::{
    Connections, Entry, Facility, Format, Moment, Queues, Server, Severity, Syslog, SyslogFormat,
    Termination, Timers, When, Who,
};
use lb_userspace::http::Status;

use crate::haproxy::HaProxy;

const CONFIG: &str = r#"
global
    log {log} local2
defaults
    log global
    mode http
    option httplog
    option dontlognull
    retries 1
    timeout connect 100ms
    timeout client 10s
    timeout server 300ms
    timeout http-request 300ms
frontend web
    bind {0}
    capture request header User-Agent len 20
    capture request header X-None len 20
    capture response header X-R len 20
    http-request deny if { path /deny }
    use_backend none if { path /none }
    use_backend dead if { path /dead }
    default_backend app
frontend plain
    bind {1}
    default_backend app
frontend tcp
    mode tcp
    option tcplog
    bind {2}
    default_backend raw
frontend custom
    bind {3}
    log-format "{custom}"
    default_backend app
backend app
    server s1 {server}
backend dead
    server d1 {dead}
backend none
backend raw
    mode tcp
    server t1 {server}
"#;

/// What only HAProxy knows stands at its beginning.
const CUSTOM: &str = "%TR/%Tw/%Tc/%Tr/%Tt %ac/%fc/%bc/%sc/%rc %B %t %Th/%Ti/%Tq/%Td/%Ta/%Tu %tr %U %ST \
    %{+Q}o |%ci|%cp|%f|%ft|%b|%s|%HM|%HP|%HPO|%HQ|%HU|%HV|%r|%CC|%CS|%hr|%hs|%ID|%sslc|%sslv|%lc|%fi|%fp|%si|%sp|\
    %bi|%pid|%ts|%tsc|%sq/%bq|%%|%{+X}ci|%{+X}cp|%{+X}pid|%{-Q}b|%{+E}r|%{-Q}CC|%{-Q}ID";

/// What a test knows of a request.
struct Case {
    name: &'static str,
    request: &'static [u8],
    /// `None`: it cannot be read.
    line: Option<&'static [u8]>,
    frontend: &'static str,
    backend: Option<&'static str>,
    server: Option<&'static str>,
    status: u16,
    end: (Who, When),
    request_fields: &'static [Option<&'static [u8]>],
    response_fields: &'static [Option<&'static [u8]>],
}

const NOTHING: Case = Case {
    name: "",
    request: b"",
    line: None,
    frontend: "web",
    backend: None,
    server: None,
    status: 400,
    end: (Who::Proxy, When::Request),
    request_fields: &[],
    response_fields: &[],
};

/// What is captured of the requests below.
const CAPTURED: &[Option<&[u8]>] = &[Some("x{y}|\"#\u{e9}".as_bytes()), None];

/// A request to a path, with a client's name that has all bytes which are encoded.
macro_rules! case {
    ($path:literal, $backend:expr, $server:expr, $status:literal, $who:ident $when:ident) => {
        Case {
            name: $path,
            request: concat!(
                "GET ",
                $path,
                " HTTP/1.1\r\nHost: a\r\nUser-Agent: x{y}|\"#\u{e9}\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
            line: Some(concat!("GET ", $path, " HTTP/1.1").as_bytes()),
            backend: $backend,
            server: $server,
            status: $status,
            end: (Who::$who, When::$when),
            request_fields: CAPTURED,
            response_fields: &[None],
            ..NOTHING
        }
    };
}

/// Those of the frontend `web`.
fn web() -> Vec<Case> {
    let app = Some("app");
    let s1 = Some("s1");
    let captured: &[Option<&[u8]>] = &[Some(b"a|b{c}")];
    vec![
        Case { response_fields: captured, ..case!("/a?\"{b}|\"", app, s1, 200, Normal Over) },
        case!("/cut", app, s1, 200, Server Data),
        case!("/deny", None, None, 403, Proxy Request),
        case!("/none", Some("none"), None, 503, Server Connect),
        case!("/dead", Some("dead"), Some("d1"), 503, Server Connect),
        case!("/silent", app, s1, 504, ServerTimeout Headers),
        case!("/close", app, s1, 502, Server Headers),
        case!("/garbage", app, s1, 502, Proxy Headers),
        Case { name: "no version", request: b"GET /\r\n\r\n", ..NOTHING },
        Case {
            name: "slow",
            request: b"GET / HTTP/1.1\r\nHo",
            status: 408,
            end: (Who::ClientTimeout, When::Request),
            ..NOTHING
        },
    ]
}

fn start() -> Result<HaProxy> {
    HaProxy::start(&CONFIG.replace("{custom}", CUSTOM), 4)
}

/// What HAProxy alone knows.
struct Measured {
    timers: Timers,
    sent: u64,
    received: u64,
    connections: Connections,
    retries: u32,
    at: Moment,
}

fn entry(
    case: &Case,
    haproxy: &HaProxy,
    (client, local): (SocketAddr, SocketAddr),
    measured: &Measured,
) -> Entry<'static> {
    let server =
        case.server.map_or(Server::None, |name| Server::Real { name, address: haproxy.server });
    Entry {
        client,
        local,
        frontend: case.frontend,
        tls: None,
        backend: case.backend,
        server,
        source: Some((local.ip(), 0).into()),
        accepted: measured.at,
        began: measured.at,
        timers: measured.timers,
        request: case.line,
        status: Status::new(case.status),
        sent: measured.sent,
        received: measured.received,
        termination: Termination::new(case.end.0, case.end.1),
        retries: measured.retries,
        redispatched: false,
        connections: measured.connections,
        queues: Queues::default(),
        request_fields: case.request_fields,
        response_fields: case.response_fields,
        request_cookie: None,
        response_cookie: None,
        unique_id: None,
        line_number: 0,
        request_number: 0,
        process: haproxy.process(),
        host: "",
    }
}

/// Asks, and compares the two messages.
fn compare(
    haproxy: &HaProxy,
    port: usize,
    case: &Case,
    format: &Format,
    measure: fn(&str) -> Option<Measured>,
) -> Result<()> {
    let (client, message) = haproxy.ask(port, case.request).context(case.name)?;
    let theirs = String::from_utf8(message).context("HAProxy encodes what is no text")?;
    let (head, line) = theirs.split_once("]: ").context("no head of syslog")?;
    let measured = measure(line).with_context(|| format!("cannot read {line:?}"))?;
    let stamp = head.get(5..).and_then(|rest| rest.split(' ').find(|word| word.contains(':')));
    let now = stamp.and_then(moment).context("no time")?;
    let syslog = Syslog {
        format: SyslogFormat::Rfc3164,
        facility: Facility::new("local2").context("a facility")?,
        tag: "haproxy",
        process: haproxy.process(),
        host: None,
        longest: 1_024,
    };
    let entry = entry(case, haproxy, (client, haproxy.address(port)), &measured);
    let mut ours = Vec::new();
    syslog.write(&mut ours, Severity::Info, now, |out| format.write(out, &entry));
    let ours = String::from_utf8(ours)?;
    ensure!(ours == theirs, "{}:\n  HAProxy {theirs:?}\n  lb      {ours:?}", case.name);
    Ok(())
}

/// `18:50:23.255`, or without milliseconds: today in UTC, or the day that is nearer.
fn moment(clock: &str) -> Option<Moment> {
    let day = Duration::from_secs(86_400);
    let mut parts = clock.split([':', '.']).map(|part| part.parse::<u64>().ok());
    let mut next = || parts.next().unwrap_or(Some(0));
    let (hour, minute, second, millis) = (next()?, next()?, next()?, next()?);
    let clock = Duration::from_millis(((hour * 60 + minute) * 60 + second) * 1_000 + millis);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let midnight = Duration::from_secs(now.as_secs() / day.as_secs() * day.as_secs());
    let today = midnight + clock;
    let nearest = if today > now + day / 2 { today - day } else { today };
    Some(Moment { micros: u64::try_from(nearest.as_micros()).ok()?, offset: 0 })
}

/// `-1` is none.
fn numbers(word: &str) -> Vec<Option<u32>> {
    word.split('/').map(|number| number.parse().ok()).collect()
}

fn counts(word: &str) -> Option<(Connections, u32)> {
    let &[process, frontend, backend, server, retries] = &numbers(word)[..] else { return None };
    let connections =
        Connections { process: process?, frontend: frontend?, backend: backend?, server: server? };
    Some((connections, retries?))
}

fn date(word: &str) -> Option<Moment> {
    moment(word.trim_matches(['[', ']']).split_once(':')?.1)
}

fn httplog(line: &str) -> Option<Measured> {
    let words: Vec<_> = line.split(' ').collect();
    let &[request, queue, connect, response, total] = &numbers(words.get(4)?)[..] else {
        return None;
    };
    let (connections, retries) = counts(words.get(10)?)?;
    Some(Measured {
        timers: Timers { request, queue, connect, response, total: total?, ..Timers::default() },
        sent: words.get(6)?.parse().ok()?,
        received: 0,
        connections,
        retries,
        at: date(words.get(1)?)?,
    })
}

fn tcplog(line: &str) -> Option<Measured> {
    let words: Vec<_> = line.split(' ').collect();
    let &[queue, connect, total] = &numbers(words.get(4)?)[..] else { return None };
    let (connections, retries) = counts(words.get(7)?)?;
    Some(Measured {
        timers: Timers { queue, connect, total: total?, ..Timers::default() },
        sent: words.get(5)?.parse().ok()?,
        received: 0,
        connections,
        retries,
        at: date(words.get(1)?)?,
    })
}

fn custom(line: &str) -> Option<Measured> {
    let words: Vec<_> = line.split(' ').collect();
    let &[request, queue, connect, response, total] = &numbers(words.first()?)[..] else {
        return None;
    };
    let (connections, retries) = counts(words.get(1)?)?;
    Some(Measured {
        timers: Timers { request, queue, connect, response, total: total?, ..Timers::default() },
        sent: words.get(2)?.parse().ok()?,
        received: words.get(6)?.parse().ok()?,
        connections,
        retries,
        at: date(words.get(3)?)?,
    })
}

#[test]
fn httplog_is_haproxys() -> Result<()> {
    let haproxy = start()?;
    for case in web() {
        compare(&haproxy, 0, &case, &Format::httplog(), httplog)?;
    }
    let plain = Case {
        frontend: "plain",
        request_fields: &[],
        response_fields: &[],
        ..case!("/plain", Some("app"), Some("s1"), 200, Normal Over)
    };
    compare(&haproxy, 1, &plain, &Format::httplog(), httplog)
}

#[test]
fn tcplog_is_haproxys() -> Result<()> {
    let haproxy = start()?;
    let case = Case { frontend: "tcp", ..case!("/a", Some("raw"), Some("t1"), 200, Normal Over) };
    compare(&haproxy, 2, &case, &Format::tcplog(), tcplog)
}

#[test]
fn a_custom_format_is_haproxys() -> Result<()> {
    let haproxy = start()?;
    let case = Case {
        frontend: "custom",
        request_fields: &[],
        response_fields: &[],
        ..case!("/p?q=\"1", Some("app"), Some("s1"), 200, Normal Over)
    };
    compare(&haproxy, 3, &case, &Format::parse(CUSTOM)?, custom)
}
