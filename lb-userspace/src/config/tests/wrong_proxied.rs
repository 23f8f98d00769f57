//! Services of the proxy: what they cannot have, and what they cannot do without.

use std::{num::NonZeroU32, time::Duration};

use super::*;
use crate::model::{AccessLog, Balance, HashOf, ProxyVersion, Redispatched};

/// [`VALID`] with a service of the proxy behind it.
fn with(mode: &str, ports: &str, server: &str, more: &str) -> String {
    format!(
        "{VALID}[[pool]]\nname = \"app\"\nservers = [{{ name = \"a\", address = \"{server}\" }}]\n\
         [[service]]\nname = \"shop\"\naddress = \"10.8.8.60\"\nports = [{ports}]\nmode = \"{mode}\"\n\
         pool = \"app\"\n{more}"
    )
}

/// The only diagnostic's key, and its message with its help.
fn refused(text: &str) -> (String, String) {
    let report = parse("lb.toml", text).expect_err("it is refused");
    let [one] = report.diagnostics.as_slice() else { panic!("not one:\n{report}") };
    (one.key.clone(), format!("{} | {}", one.message, one.help.as_deref().unwrap_or_default()))
}

#[test]
fn what_is_right() {
    for mode in ["tcp", "http"] {
        let text = with(mode, "\"tcp/80\", \"tcp/8000-8009\"", "10.8.8.43:8080", "");
        let parsed = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
        assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
        let config = parsed.config;
        let service = config.services.last().expect("it is there");
        let proxy = service.proxy.as_ref().expect("it is one of the proxy");
        assert_eq!(proxy.http.is_some(), mode == "http");
        let pool = config.pools.last().expect("it is there");
        assert!(config.proxies_to(pool) && !config.forwards_to(pool));
        assert!(config.forwards_to(&config.pools[0]));
    }
}

#[test]
fn what_is_wrong() {
    let ports = "\"tcp/80\"";
    let server = "10.8.8.43:8080";
    for (text, key, words) in [
        (with("http", "\"udp/80\"", server, ""), "service[2].ports[0]", "no UDP ports"),
        (
            with("tcp", "\"tcp/*\"", server, ""),
            "service[2].ports[0]",
            "cannot listen at every port",
        ),
        (
            with("tcp", "\"tcp/80\", \"tcp/1000-1063\"", server, ""),
            "service[2].ports[1]",
            "more than 64 ports",
        ),
        (
            with("http", ports, "10.8.8.43", ""),
            "pool[2].servers[0].address",
            "write `10.8.8.43:8080`",
        ),
        (
            with("http", ports, "2001:db8::1", ""),
            "pool[2].servers[0].address",
            "write `[2001:db8::1]:8080`",
        ),
        (
            with("http", ports, server, "mark = 7\n"),
            "service[2].mark",
            "`mark` is for services that XDP forwards",
        ),
        (
            with("tcp", ports, server, "persistence = {}\n"),
            "service[2].persistence",
            "not for mode `tcp`",
        ),
        (
            with(
                "tcp",
                ports,
                server,
                "[[service]]\nname = \"all\"\naddress = \"10.8.8.60\"\nports = [\"tcp/*\"]\npool = \"web\"\n",
            ),
            "service[2].address",
            "service `all` has every port of 10.8.8.60",
        ),
    ] {
        let (found, said) = refused(&text);
        assert_eq!(found, key, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn trackers_of_the_proxy() {
    let track = |service: &str| {
        let tracker = format!("[[track]]\nname = \"t\"\nproxy = \"{service}\"\n");
        with("http", "\"tcp/80\"", "10.8.8.43:8080", &tracker)
            .replace("priority = 100", "priority = 100\ntrack = [\"t\"]")
    };
    assert!(parse("lb.toml", &track("shop")).is_ok());
    for (service, words) in [
        ("shp", "there is no service `shp` | did you mean `shop`?"),
        ("site", "`site` is no service of the proxy: XDP forwards it"),
    ] {
        let (key, said) = refused(&track(service));
        assert_eq!(key, "track[0].proxy");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn everything_can_be_said() {
    let more = "max_connections = 500\naccept_proxy = true\nlog = \"%ci %ST %r\"\n\
                timeouts = { http_request = \"5s\", client = \"1m\", tunnel = \"24h\" }\n";
    let proxy = "proxy = { balance = \"hash\", hash = \"header X-User\", load_factor = 150, connect_timeout = \"1s\", \
                 server_timeout = \"2m\", queue_timeout = \"1s\", max_queue = 10, retries = 1, redispatch = \"every\", \
                 max_idle = 0, idle_timeout = \"30s\", send_proxy = \"v2\" }\n[[service]]\nname = \"shop\"";
    let text = with("http", "\"tcp/80\"", "10.8.8.43:8080", more)
        .replace("[[service]]\nname = \"shop\"", proxy)
        .replace("10.8.8.43:8080\" }", "10.8.8.43:8080\", max_connections = 7 }");
    let config = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}")).config;
    let service = config.services.last().and_then(|service| service.proxy.as_deref());
    let service = service.expect("it is one of the proxy");
    assert_eq!((service.max_connections.get(), service.accept_proxy), (500, true));
    assert_eq!(service.timeouts.http_request, Duration::from_secs(5));
    assert_eq!(service.timeouts.http_keep_alive, Duration::from_secs(10), "as it was");
    assert_eq!(service.log, Some(AccessLog::Custom("%ci %ST %r".to_owned())));
    let pool = config.pools.last().expect("it is there");
    let proxy = &pool.proxy;
    assert_eq!((proxy.balance, proxy.load_factor), (Balance::Hash, Some(150)));
    assert_eq!(proxy.hash, HashOf::Header("X-User".to_owned()));
    assert_eq!((proxy.retries, proxy.max_queue, proxy.max_idle), (1, 10, 0));
    assert_eq!((proxy.redispatch, proxy.send_proxy), (Redispatched::Every, Some(ProxyVersion::V2)));
    assert_eq!(pool.servers[0].max_connections.map(NonZeroU32::get), Some(7));
    // The scheduler's own way, where nothing else is said.
    assert_eq!(config.pools[0].proxy.balance, Balance::RoundRobin);
}

#[test]
fn what_cannot_be_meant() {
    let service = |line: &str| with("http", "\"tcp/80\"", "10.8.8.43:8080", line);
    let pool = |proxy: &str| {
        service("").replace(
            "[[service]]\nname = \"shop\"",
            &format!("proxy = {{ {proxy} }}\n[[service]]\nname = \"shop\""),
        )
    };
    for (text, key, words) in [
        (
            service("max_connections = 0\n"),
            "service[2].max_connections",
            "0 is out of range: 1 to 1000000",
        ),
        (
            service("log = \"common\"\n"),
            "service[2].log",
            "`common` is no format of a log | available: `http`",
        ),
        (service("log = \"%zz\"\n"), "service[2].log", "no variable `%zz"),
        (
            service("timeouts = { client = \"1ms\" }\n"),
            "service[2].timeouts.client",
            "takes 50ms to 168h",
        ),
        (pool("balance = \"fastest\""), "pool[2].proxy.balance", "unknown balance `fastest`"),
        (pool("load_factor = 150"), "pool[2].proxy.load_factor", "add `balance = \"hash\"`"),
        (pool("balance = \"hash\", load_factor = 100"), "pool[2].proxy.load_factor", "101 to 1000"),
        (
            pool("balance = \"hash\", hash = \"cookie\""),
            "pool[2].proxy.hash",
            "`source`, `uri`, `uri-with-query` and `header NAME`",
        ),
        (
            pool("balance = \"hash\", hash = \"header A B\""),
            "pool[2].proxy.hash",
            "a header name is made of",
        ),
        (pool("retries = 1000"), "pool[2].proxy.retries", "0 to 100"),
        (pool("observe = {}"), "pool[2].proxy.observe.layer", "`layer` is missing"),
        (
            pool("observe = { layer = \"layer5\" }"),
            "pool[2].proxy.observe.layer",
            "unknown layer `layer5`",
        ),
        (
            pool("observe = { layer = \"layer4\", error_limit = 0 }"),
            "pool[2].proxy.observe.error_limit",
            "1 to 1000000",
        ),
        (
            pool("observe = { layer = \"layer4\", on_error = \"mark-down\", ejection = \"1ms\" }"),
            "pool[2].proxy.observe.ejection",
            "out of use for 1s to 24h",
        ),
        (
            pool("observe = { layer = \"layer4\", max_ejected = 50 }")
                .replace("proxy = {", "check = { type = \"tcp\" }\nproxy = {"),
            "pool[2].proxy.observe.max_ejected",
            "add `on_error = \"mark-down\"`",
        ),
        (
            pool("observe = { layer = \"layer4\" }"),
            "pool[2].proxy.observe",
            "add a check, or `on_error = \"mark-down\"`",
        ),
        (
            with("tcp", "\"tcp/80\"", "10.8.8.43:8080", "").replace(
                "[[service]]\nname = \"shop\"",
                "proxy = { observe = { layer = \"layer7\", on_error = \"mark-down\" } }\n[[service]]\nname = \"shop\"",
            ),
            "pool[2].proxy.observe",
            "write `layer = \"layer4\"`",
        ),
        (
            VALID.replace("mark = 80", "mark = 80\nlog = \"http\""),
            "service[0].log",
            "write `mode = \"http\"`",
        ),
    ] {
        let (found, said) = refused(&text);
        assert_eq!(found, key, "{said}");
        assert!(said.contains(words), "{said}");
    }
    let nobody = VALID.replace(
        "scheduler = \"maglev\"",
        "scheduler = \"maglev\"\nproxy = {}\non_down = \"kill\"",
    );
    let warnings = parse("lb.toml", &nobody).unwrap_or_else(|report| panic!("{report}")).warnings;
    for what in ["`proxy` does nothing", "`kill` is `move`"] {
        let words = format!("no service of the proxy uses pool `web`: {what}");
        assert!(warnings.to_string().contains(&words), "{warnings}");
    }
}
