//! What a valid check means.

use super::{
    accepted::{accepted, the_check},
    *,
};
use std::time::Duration;

use crate::model::{
    AgentCheck, BodyMatch, Check, CheckKind, CheckPace, CheckRoute, CheckStart, DnsCheck, DnsCode,
    DnsRecord, Expectation, GrpcCheck, HttpCheck, HttpMethod, HttpVersion, Jitter, Mark, Payload,
    ProxyVersion, TlsCheck, UdpCheck, WhileBackup,
};

/// An HTTP check, as the file says it and as the model does.
#[test]
fn an_http_check() {
    let said = r#"type = "http", method = "OPTIONS", path = "/up?a", host = "a.example:81", headers = ["X-Lb: 1"],
        status = ["200-299", "404"], body_regex = "^ok$""#;
    let config = accepted(&edited(("type = \"tcp\"", said)));
    let CheckKind::Http(check) = &the_check(config.pool("web").unwrap()).kind else {
        panic!("{config:?}")
    };
    let text = |values: Vec<String>| values.join(" | ");
    let [check] = check.requests.as_slice() else { panic!("{check:?}") };
    assert_eq!(check.method, HttpMethod::Options);
    assert_eq!(check.path.to_string(), "/up?a");
    assert_eq!(check.host.as_ref().unwrap().to_string(), "a.example:81");
    assert_eq!(text(check.headers.iter().map(ToString::to_string).collect()), "X-Lb: 1");
    assert_eq!(text(check.status.iter().map(ToString::to_string).collect()), "200-299 | 404");
    assert_eq!(check.body, Some(BodyMatch::Regex("^ok$".parse().unwrap())));
    let json = serde_json::to_string(&config).unwrap();
    let read: crate::model::Config = serde_json::from_str(&json).unwrap();
    assert_eq!(read.pools, config.pools);
    assert!(
        json.contains(r#""type":"http","version":"1.1","requests":[{"method":"OPTIONS""#),
        "{json}"
    );

    let plain = accepted(&edited(("type = \"tcp\"", "type = \"http\"")));
    let usual = CheckKind::Http(HttpCheck::default());
    assert_eq!(the_check(plain.pool("web").unwrap()).kind, usual);
}

/// Each of the other kinds, as the file says it and as the model does.
#[test]
fn other_checks() {
    let check_of = |said: &str| {
        let config = accepted(&edited(("type = \"tcp\", port = 80", said)));
        let json = serde_json::to_string(&config).unwrap();
        let read: crate::model::Config = serde_json::from_str(&json).unwrap();
        assert_eq!(read.pools, config.pools, "{json}");
        the_check(config.pool("web").unwrap()).clone()
    };
    let kind_of = |said: &str| check_of(said).kind;
    assert_eq!(kind_of("type = \"dns\""), CheckKind::Dns(DnsCheck::default()));
    let answer = "2001:db8::1".parse().unwrap();
    let dns = DnsCheck {
        query: "www.example.org".parse().unwrap(),
        record: DnsRecord::Aaaa,
        rcode: DnsCode::NoError,
        answer: Some(answer),
    };
    let said = r#"type = "dns", query = "www.example.org.", answer = "2001:db8::1""#;
    assert_eq!(kind_of(said), CheckKind::Dns(dns));
    let none = r#"type = "dns", query = "no.example", record = "MX", rcode = "NXDOMAIN""#;
    let CheckKind::Dns(none) = kind_of(none) else { panic!() };
    assert_eq!((none.record, none.rcode), (DnsRecord::Mx, DnsCode::NxDomain));

    let udp = |send: &str, expect| CheckKind::Udp(UdpCheck { send: send.parse().unwrap(), expect });
    assert_eq!(kind_of("type = \"udp\", port = 5"), udp("", None));
    let prefix = Some(Expectation::Prefix("ff".parse().unwrap()));
    assert_eq!(
        kind_of(r#"type = "udp", port = 5, send = "hi", expect_hex = "ff""#),
        udp("6869", prefix)
    );
    let pattern = Some(Expectation::Regex("^a".parse().unwrap()));
    let said = r#"type = "udp", port = 5, send_hex = "00 01", expect_regex = "^a""#;
    assert_eq!(kind_of(said), udp("0001", pattern));

    assert_eq!(kind_of("type = \"ping\""), CheckKind::Ping);
    assert_eq!(kind_of("type = \"grpc\""), CheckKind::Grpc(GrpcCheck::default()));
    let grpc = kind_of(r#"type = "grpc", service = "a.B", tls = true, verify = false"#);
    assert_eq!(grpc.tls(), Some(&TlsCheck::Unverified(None)));

    let said = r#"type = "file", file = "/run/{name}", expect = "up", dynamic = true"#;
    let CheckKind::File(file) = kind_of(said) else { panic!() };
    assert!(file.dynamic && file.expect.is_some() && file.file.ends_with("{name}"));

    let said = r#"type = "script", script = ["/bin/true", "{address}"], dynamic = true"#;
    let CheckKind::Script(script) = kind_of(said) else { panic!() };
    assert_eq!(
        (script.script.arguments.join(" ").as_str(), script.user.as_str()),
        ("{address}", "nobody")
    );
    let CheckKind::Script(script) = kind_of(r#"type = "script", script = "exit 1", shell = true"#)
    else {
        panic!()
    };
    assert_eq!(script.script.arguments, ["-c", "exit 1"]);

    let requests = r#"type = "http", version = "2", requests = [{ path = "/a" }, { path = "/b" }]"#;
    let CheckKind::Http(http) = kind_of(requests) else { panic!() };
    let paths: Vec<_> = http.requests.iter().map(|request| request.path.to_string()).collect();
    assert_eq!((http.version, paths), (HttpVersion::Two, vec!["/a".to_owned(), "/b".to_owned()]));

    let way = r#"type = "tcp", address = "10.0.0.1", source = "10.0.0.2", mark = 7, proxy_protocol = "v2""#;
    let route = CheckRoute {
        address: Some([10, 0, 0, 1].into()),
        source: Some([10, 0, 0, 2].into()),
        mark: Some(Mark::new(7).unwrap()),
        proxy_protocol: Some(ProxyVersion::V2),
        through_vip: false,
    };
    assert!(check_of("type = \"tcp\", through_vip = true").route.through_vip);
    assert_eq!(check_of(way).route, route);
}

/// One word of an agent is enough, and it is no check of whether the server lives.
#[test]
fn an_agent() {
    let said = edited((
        "check = { type = \"tcp\", port = 80, interval = \"2s\", timeout = \"1s\", rise = 2, fall = 3 }",
        "check = [{ type = \"tcp\" }, { type = \"agent\", port = 9999, send = \"web\\n\" }]",
    ));
    let config = accepted(&said);
    let agent = config.pool("web").unwrap().checks.iter().nth(1).unwrap();
    assert_eq!((agent.rise, agent.fall), (1, 1));
    let send = Payload::new(*b"web\n").unwrap();
    assert_eq!(agent.kind, CheckKind::Agent(AgentCheck { send }));
}

/// Checks by TLS: whose certificate is looked at, and for which name.
#[test]
fn checks_by_tls() {
    let tls_of = |said: &str| {
        let config = accepted(&edited(("type = \"tcp\"", said)));
        let json = serde_json::to_string(&config).unwrap();
        let read: crate::model::Config = serde_json::from_str(&json).unwrap();
        assert_eq!(read.pools, config.pools, "{json}");
        the_check(config.pool("web").unwrap()).kind.tls().unwrap().clone()
    };
    let name = || "a.example".parse().unwrap();
    assert_eq!(tls_of(r#"type = "tls", sni = "a.example""#), TlsCheck::Verified(name()));
    assert_eq!(tls_of(r#"type = "tls", verify = false"#), TlsCheck::Unverified(None));
    let both = r#"type = "tls", sni = "a.example", verify = false"#;
    assert_eq!(tls_of(both), TlsCheck::Unverified(Some(name())));
    assert_eq!(tls_of(r#"type = "https", host = "a.example:8443""#), TlsCheck::Verified(name()));
    let other = r#"type = "https", host = "b.example", sni = "a.example", path = "/up""#;
    assert_eq!(tls_of(other), TlsCheck::Verified(name()));
    assert_eq!(
        tls_of(r#"type = "https", host = "[::1]:8443", verify = false"#),
        TlsCheck::Unverified(None)
    );
}

#[test]
fn several_checks() {
    let one = |more: &str| {
        let text = edited(("check = {", "check = [{ type = \"smtp\" }, {"));
        let at = text.find("fall = 3 }").unwrap() + "fall = 3 }".len();
        let text = format!("{}]{more}{}", &text[..at], &text[at..]);
        accepted(&text).pool("web").unwrap().checks.clone()
    };
    let checks = one("");
    let kinds: Vec<_> = checks.iter().map(|check| check.kind.to_string()).collect();
    assert_eq!((kinds, checks.needed()), (vec!["smtp".to_owned(), "tcp".to_owned()], 2));
    assert_eq!(one("\nchecks_needed = 1").needed(), 1);
}

#[test]
fn times_of_checks() {
    let said = r#"type = "tcp", interval_down = "10s", interval_changing = "1s", jitter = 20, warm_up = "1m", start = "down", while_backup = "suspend""#;
    let config = accepted(&edited(("type = \"tcp\"", said)));
    let check = the_check(config.pool("web").unwrap());
    let seconds = Duration::from_secs;
    let pace = CheckPace {
        interval_down: Some(seconds(10)),
        interval_changing: Some(seconds(1)),
        jitter: Jitter::new(20).unwrap(),
        warm_up: Some(seconds(60)),
        start: CheckStart::Down,
        while_backup: WhileBackup::Suspend,
    };
    assert_eq!((check.interval, check.pace), (seconds(2), pace));
    let json = serde_json::to_string(check).unwrap();
    assert_eq!(&serde_json::from_str::<Check>(&json).unwrap(), check, "{json}");
    let fast = edited(("timeout = \"1s\"", "interval_changing = \"200ms\""));
    let config = accepted(&fast);
    assert_eq!(the_check(config.pool("web").unwrap()).timeout, Duration::from_millis(200));
}

#[test]
fn pools_that_are_served_elsewhere() {
    let shared = edited(("address = \"10.8.8.40\"", "address = \"10.9.9.40\""));
    let config = accepted(&shared);
    let elsewhere = |pool: &str, masters: &[&str]| {
        let masters = masters.iter().map(|name| name.parse().unwrap()).collect();
        config.serves_elsewhere(config.pool(pool).unwrap(), &masters)
    };
    assert!(elsewhere("web", &[]));
    assert!(elsewhere("web", &["other"]));
    assert!(!elsewhere("web", &["shared"]), "the VIP is here");
    assert!(!elsewhere("dns", &[]), "its VIP is no VRRP's");
}
