//! Services of the proxy: what they cannot have, and what they cannot do without.

use super::*;

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
