//! Services of the proxy: what they cannot have, and what they cannot do without.

use std::{num::NonZeroU32, time::Duration};

use super::*;
use crate::model::{
    AccessLog, Balance, HashOf, HeaderChange, HeaderTest, Name, PathTest, ProxyVersion,
    Redispatched, Route, RouteTest, RouteThen,
};

/// [`VALID`] with a service of the proxy behind it.
pub(super) fn with(mode: &str, ports: &str, server: &str, more: &str) -> String {
    format!(
        "{VALID}[[pool]]\nname = \"app\"\nservers = [{{ name = \"a\", address = \"{server}\" }}]\n\
         [[service]]\nname = \"shop\"\naddress = \"10.8.8.60\"\nports = [{ports}]\nmode = \"{mode}\"\n\
         pool = \"app\"\n{more}"
    )
}

/// The only diagnostic's key, and its message with its help.
pub(super) fn refused(text: &str) -> (String, String) {
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

/// A service of HTTP with these lines under `[service.http]`.
fn http(lines: &str) -> String {
    with("http", "\"tcp/80\"", "10.8.8.43:8080", &format!("[service.http]\n{lines}\n"))
}

/// The same with these routes.
fn routes(routes: &str) -> String {
    http(&format!("routes = [{routes}]"))
}

#[test]
fn what_is_done_with_requests() {
    let text = http(
        r#"max_body = "10MiB"
host = "www.example.org:8080"
x_forwarded_for = true
forwarded_except = ["10.0.0.0/8"]
request_headers = [{ delete = "X-Debug" }, { set = "X-Env", value = "prod" }]
response_headers = [{ add = "X-Served-By", value = "lb" }]
routes = [
  { host = ["a.example", "*.b.example"], path_prefix = "/static/", path = "/favicon.ico", pool = "web" },
  { method = "POST", headers = [{ name = "X-Env", value = "test" }, { name = "X-Beta" }], source = "10.0.0.1", deny = 403 },
  { path_regex = "\\.php$", redirect = "https://old.example.org/" },
  { redirect = "https", https_port = 8443, status = 308 },
]"#,
    );
    let text = text.replace("\"10.8.8.43\"", "\"10.8.8.43:80\"");
    let text = text.replace("\"10.8.8.44\"", "\"10.8.8.44:80\"");
    let parsed = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    let config = parsed.config;
    let proxy = config.services[2].proxy.as_ref().expect("it is one of the proxy");
    let http = proxy.http.as_ref().expect("HTTP");
    assert_eq!((http.max_body, http.host.as_deref()), (10 << 20, Some("www.example.org:8080")));
    assert!(http.forwarded.x_forwarded_for && !http.forwarded.forwarded);
    assert_eq!(http.forwarded.except.len(), 1);
    let text = |text: &str| text.to_owned();
    assert_eq!(
        http.request_headers,
        [HeaderChange::Delete(text("X-Debug")), HeaderChange::Set(text("X-Env"), text("prod"))]
    );
    assert_eq!(http.response_headers, [HeaderChange::Add(text("X-Served-By"), text("lb"))]);
    let web = Name::new("web").unwrap();
    let expected = [
        Route {
            when: vec![
                RouteTest::Host(vec![text("a.example"), text("*.b.example")]),
                RouteTest::Path(vec![
                    PathTest::Exact(text("/favicon.ico")),
                    PathTest::Prefix(text("/static/")),
                ]),
            ],
            then: RouteThen::Pool(web),
        },
        Route {
            when: vec![
                RouteTest::Method(vec![text("POST")]),
                RouteTest::Header(text("X-Env"), HeaderTest::Exact(text("test"))),
                RouteTest::Header(text("X-Beta"), HeaderTest::Present),
                RouteTest::Source(vec!["10.0.0.1/32".parse().unwrap()]),
            ],
            then: RouteThen::Deny(403),
        },
        Route {
            when: vec![RouteTest::Path(vec![PathTest::Regex(text("\\.php$"))])],
            then: RouteThen::To(302, text("https://old.example.org/")),
        },
        Route { when: Vec::new(), then: RouteThen::ToHttps(308, 8443) },
    ];
    assert_eq!(http.routes, expected);
    // The pool of a route is one of the proxy's, too, and XDP goes on with it.
    assert!(config.proxies_to(&config.pools[0]) && config.forwards_to(&config.pools[0]));
}

#[test]
fn requests_that_cannot_be_meant() {
    for (text, key, words) in [
        (
            with("tcp", "\"tcp/80\"", "10.8.8.43:8080", "http = {}\n"),
            "http",
            "services with `mode = \"http\"`",
        ),
        (http("max_body = \"many\""), "http.max_body", "`many` is no size"),
        (http("max_body = -1"), "http.max_body", "-1 is out of range"),
        (
            http("host = \"https://www.example.org/\""),
            "http.host",
            "is a URL, not a host: write `www.example.org`",
        ),
        (http("host = \"*.example.org\""), "http.host", "is no host"),
        (
            http("forwarded_except = [\"10.0.0.0/8\"]"),
            "http.forwarded_except",
            "add `x_forwarded_for = true`",
        ),
        (
            http("request_headers = [{ set = \"X Y\", value = \"1\" }]"),
            "http.request_headers[0].set",
            "a header name is made of",
        ),
        (
            http("request_headers = [{ set = \"Host\", value = \"1\" }]"),
            "http.request_headers[0].set",
            "Host is rewritten by an option of its own",
        ),
        (
            http("response_headers = [{ add = \"X\", value = \"1\\r\\nY: 2\" }]"),
            "http.response_headers[0].value",
            "no line breaks",
        ),
        (
            http("response_headers = [{ add = \"X\" }]"),
            "http.response_headers[0].value",
            "`value` is missing",
        ),
        (
            http("response_headers = [{ delete = \"X\", value = \"1\" }]"),
            "http.response_headers[0].value",
            "whatever its value is",
        ),
        (
            http("request_headers = [{ value = \"1\" }]"),
            "http.request_headers[0]",
            "nothing says what becomes of a header",
        ),
        (
            routes("{ host = \"http://a.example/\", pool = \"app\" }"),
            "http.routes[0].host",
            "write `a.example`",
        ),
        (
            routes("{ host = \"a.example:80\", pool = \"app\" }"),
            "http.routes[0].host",
            "hosts are compared without",
        ),
        (
            routes("{ path = \"a\", pool = \"app\" }"),
            "http.routes[0].path",
            "expected one that begins with `/`",
        ),
        (
            routes("{ path_prefix = \"/a/../b\", pool = \"app\" }"),
            "http.routes[0].path_prefix",
            "write `/b`",
        ),
        (
            routes("{ path_regex = \"(\", pool = \"app\" }"),
            "http.routes[0].path_regex",
            "does not compile",
        ),
        (
            routes("{ host = [], pool = \"app\" }"),
            "http.routes[0].host",
            "no request fits an empty list",
        ),
        (
            routes("{ method = \"get\", pool = \"app\" }"),
            "http.routes[0].method",
            "`get` is no method",
        ),
        (
            routes("{ headers = [{ name = \"X Y\" }], pool = \"app\" }"),
            "http.routes[0].headers[0].name",
            "a header name is made of",
        ),
        (
            routes("{ source = \"10.0.0.1/8\", pool = \"app\" }"),
            "http.routes[0].source",
            "10.0.0.0/8",
        ),
        (routes("{ pool = \"ap\" }"), "http.routes[0].pool", "there is no pool `ap`"),
        (
            routes("{ host = \"a.example\" }"),
            "http.routes[0]",
            "nothing says what becomes of a request",
        ),
        (
            routes("{ pool = \"app\", deny = 403 }"),
            "http.routes[0].deny",
            "two ways to say the same",
        ),
        (routes("{ redirect = \"www.example.org\" }"), "http.routes[0].redirect", "is no URL"),
        (
            routes("{ redirect = \"https\", status = 200 }"),
            "http.routes[0].status",
            "200 is no redirection",
        ),
        (
            routes("{ redirect = \"/x\", https_port = 443 }"),
            "http.routes[0].https_port",
            "write the port into the URL",
        ),
        (routes("{ deny = 200 }"), "http.routes[0].deny", "such as 403"),
        (routes("{ deny = 403, status = 301 }"), "http.routes[0].status", "for a `redirect`"),
        (
            routes("{ path = \"/a\", pool = \"app\" }, { path = \"/a\", deny = 403 }"),
            "http.routes[1]",
            "an earlier route takes the same requests",
        ),
        (routes("{ sni = \"a.example\", pool = \"app\" }"), "http.routes[0].sni", "not available"),
    ] {
        let (found, said) = refused(&text);
        assert_eq!(found, format!("service[2].{key}"), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let late = routes("{ path_prefix = \"/a\", pool = \"app\" }, { path = \"/a/b\", deny = 403 }");
    let warnings = parse("lb.toml", &late).unwrap_or_else(|report| panic!("{report}")).warnings;
    assert!(warnings.to_string().contains("this one decides nothing"), "{warnings}");
}

#[test]
fn the_servers_of_a_route_have_ports() {
    let text = routes("{ pool = \"web\" }");
    let (key, said) = refused(&text);
    assert!(key.starts_with("pool[0].servers"), "{key}: {said}");
    assert!(said.contains("which connects to one"), "{said}");
}
