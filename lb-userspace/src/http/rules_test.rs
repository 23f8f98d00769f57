//! Rules over real heads.

use super::super::edit::{HeaderName, HeaderNameError};
use super::super::{Limits, RequestReader};
use super::*;

/// Looks at a request of these fields with the eyes of rules.
fn with_facts<T>(
    (method, url, fields): (&str, &str, &str),
    (sni, source): (Option<&str>, &str),
    look: impl FnOnce(&Facts<'_>) -> T,
) -> T {
    let text = format!("{method} {url} HTTP/1.1\r\n{fields}\r\n");
    let mut reader = RequestReader::new(Limits::default());
    let request = reader.read(text.as_bytes()).expect(&text).expect(&text);
    let mut room = Vec::new();
    look(&Facts {
        host: request.host.map_or(b"", |host| host.host),
        path: normal_path(request.target.path(), &mut room),
        method: request.method,
        fields: request.fields,
        sni: sni.map(str::as_bytes),
        source: source.parse().expect(source),
    })
}

fn fits(test: Test, request: (&str, &str, &str)) -> bool {
    let condition = Condition::new(vec![test]);
    with_facts(request, (Some("Sni.example"), "::ffff:10.1.2.3"), |facts| condition.fits(facts))
}

fn host(text: &str) -> HostPattern {
    HostPattern::new(text).expect(text)
}

fn prefix(text: &str) -> PathPattern {
    PathPattern::prefix(text).expect(text)
}

#[test]
fn hosts() {
    let cases = [
        ("example.com", "EXAMPLE.com:8080", true),
        ("Example.com", "example.com.", true),
        ("example.com", "www.example.com", false),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        ("*.example.com", "badexample.com", false),
        ("[::1]", "[::1]:80", true),
        ("10.0.0.1", "10.0.0.1", true),
    ];
    for (pattern, named, expected) in cases {
        let field = format!("Host: {named}\r\n");
        let found = fits(Test::Host(vec![host("x"), host(pattern)]), ("GET", "/", &field));
        assert_eq!(found, expected, "{pattern} {named}");
    }
    // An absolute target says it, too.
    assert!(fits(Test::Host(vec![host("a")]), ("GET", "http://a:80/", "Host: A\r\n")));
    assert!(fits(Test::Sni(vec![host("sni.EXAMPLE")]), ("GET", "/", "Host: a\r\n")));
    let none = |facts: &Facts<'_>| Test::Sni(vec![host("sni.example")]).fits(facts);
    assert!(!with_facts(("GET", "/", "Host: a\r\n"), (None, "::1"), none));
}

#[test]
fn paths() {
    let cases = [
        (PathPattern::exact("/a"), "/a?b", true),
        (PathPattern::exact("/a"), "/a/", false),
        (PathPattern::exact("/a"), "/%61", true),
        (PathPattern::prefix("/api"), "/api", true),
        (PathPattern::prefix("/api"), "/api/v1", true),
        (PathPattern::prefix("/api"), "/apis", false),
        (PathPattern::prefix("/api"), "/x/../api/y", true),
        (PathPattern::prefix("/api"), "//api", true),
        (PathPattern::prefix("/api/"), "/api", false),
        (PathPattern::prefix("/api/"), "/api/x", true),
        (PathPattern::prefix("/"), "/anything", true),
        (PathPattern::prefix("/"), "http://a", true),
        (PathPattern::regex(r"\.(png|jpg)$"), "/a/b.png?x", true),
        (PathPattern::regex("^/a$"), "/a/b", false),
    ];
    for (pattern, url, expected) in cases {
        let pattern = pattern.expect("a pattern");
        let found = fits(Test::Path(vec![pattern.clone()]), ("GET", url, "Host: a\r\n"));
        assert_eq!(found, expected, "{pattern:?} {url}");
    }
}

#[test]
fn methods_headers_and_sources() {
    let request = ("PURGE", "/", "Host: a\r\nX-A: one\r\nx-a: two\r\n");
    let name = || HeaderName::new("X-A").expect("a name");
    let header = |pattern| Test::Header(name(), vec![pattern]);
    let methods = |method: &str| Test::Method(vec!["GET".into(), method.into()]);
    assert!(fits(methods("PURGE"), request) && !fits(methods("purge"), request));
    assert!(fits(header(HeaderPattern::Present), request));
    assert!(fits(header(HeaderPattern::Exact((*b"two").into())), request));
    assert!(!fits(header(HeaderPattern::Exact((*b"Two").into())), request));
    assert!(fits(header(HeaderPattern::Contains((*b"wo").into())), request));
    assert!(fits(header(HeaderPattern::regex("^o.e$").expect("an expression")), request));
    let other = Test::Header(HeaderName::new("X-B").expect("a name"), vec![HeaderPattern::Present]);
    assert!(!fits(other, request));
    let source = |net: &str| Test::Source(vec![net.parse().expect(net)]);
    assert!(fits(source("10.1.0.0/16"), request) && !fits(source("10.2.0.0/16"), request));
}

#[test]
fn the_first_route_that_fits_decides() {
    let route = |tests, pool| Rule { when: Condition::new(tests), then: Verdict::Pool(pool) };
    let deny = Rule {
        when: Condition::new(vec![Test::Path(vec![prefix("/admin")])]),
        then: Verdict::Deny(Status::FORBIDDEN),
    };
    let routes = Routes::new(vec![
        deny,
        route(vec![Test::Host(vec![host("a")]), Test::Path(vec![prefix("/api")])], "api"),
        route(vec![Test::Host(vec![host("a")])], "a"),
    ]);
    let decide = |url: &str, host: &str| {
        let field = format!("Host: {host}\r\n");
        with_facts(("GET", url, &field), (None, "::1"), |facts| routes.decide(facts).cloned())
    };
    assert_eq!(decide("/api/x", "a"), Some(Verdict::Pool("api")));
    assert_eq!(decide("/x", "a"), Some(Verdict::Pool("a")));
    assert_eq!(decide("/x", "b"), None);
    assert_eq!(decide("/admin", "a"), Some(Verdict::Deny(Status::FORBIDDEN)));
    assert_eq!(decide("/x/%2e%2e/admin/", "b"), Some(Verdict::Deny(Status::FORBIDDEN)));
    assert_eq!(routes.conflicts(), []);
}

#[test]
fn every_edit_that_fits_applies() {
    let rule =
        |path, then| Rule { when: Condition::new(vec![Test::Path(vec![prefix(path)])]), then };
    let rules = [rule("/", 1), rule("/b", 2), rule("/a", 3)];
    let found = with_facts(("GET", "/a", "Host: a\r\n"), (None, "::1"), |facts| {
        all_that_fit(&rules, facts).copied().collect::<Vec<_>>()
    });
    assert_eq!(found, [1, 3]);
}

#[test]
fn routes_that_get_no_requests_are_found() {
    let hosts = |names: &[&str]| Test::Host(names.iter().map(|name| host(name)).collect());
    let paths = |paths: &[&str]| Test::Path(paths.iter().map(|path| prefix(path)).collect());
    let method = |names: &[&str]| Test::Method(names.iter().map(|name| (*name).into()).collect());
    let cases: Vec<(Vec<Test>, Vec<Test>, Option<bool>)> = vec![
        (vec![], vec![], Some(true)),
        (vec![], vec![hosts(&["a"])], Some(false)),
        (vec![hosts(&["a"])], vec![], None),
        (vec![hosts(&["a"])], vec![hosts(&["A"])], Some(true)),
        (vec![hosts(&["*.a"])], vec![hosts(&["b.a", "*.c.a"])], Some(false)),
        (vec![hosts(&["*.a"])], vec![hosts(&["b.a", "c"])], None),
        (vec![hosts(&["b.a"])], vec![hosts(&["*.a"])], None),
        (vec![paths(&["/a"])], vec![paths(&["/a/b", "/a"])], Some(true)),
        (vec![paths(&["/a"])], vec![paths(&["/a/b"])], Some(false)),
        (vec![paths(&["/a"])], vec![paths(&["/ab"])], None),
        (vec![paths(&["/a"])], vec![paths(&["/a"]), hosts(&["a"])], Some(false)),
        (vec![paths(&["/a"]), hosts(&["a"])], vec![paths(&["/a"])], None),
        (vec![method(&["GET", "HEAD"])], vec![method(&["GET"])], Some(false)),
        (vec![hosts(&["a"])], vec![Test::Sni(vec![host("a")])], None),
        (
            vec![Test::Path(vec![PathPattern::regex("^/a").expect("an expression")])],
            vec![Test::Path(vec![PathPattern::exact("/ab").expect("a path")])],
            Some(false),
        ),
        (
            vec![Test::Source(vec!["10.0.0.0/8".parse().expect("a net")])],
            vec![Test::Source(vec!["10.1.0.0/16".parse().expect("a net")])],
            Some(false),
        ),
    ];
    for (number, (earlier, later, expected)) in cases.into_iter().enumerate() {
        let (earlier, later) = (Condition::new(earlier), Condition::new(later));
        let found = conflicts(&[&earlier, &later]);
        let expected: Vec<_> =
            expected.into_iter().map(|same| Conflict { earlier: 0, later: 1, same }).collect();
        assert_eq!(found, expected, "case {number}");
    }
}

#[test]
fn mistakes_come_with_advice() {
    let error = |text| HostPattern::new(text).expect_err(text).to_string();
    assert_eq!(
        error("https://www.example.com:443/a"),
        "`https://www.example.com:443/a` is a URL, not a host: write `www.example.com`"
    );
    assert_eq!(
        error("*.a.example:80"),
        "`*.a.example:80` names a port, and hosts are compared without: write `*.a.example`"
    );
    for bad in ["", "a b", "a/b", "*", "*.", "a.*.b", ".a", "u@a"] {
        assert_eq!(HostPattern::new(bad), Err(RuleError::Host(bad.to_owned())), "{bad:?}");
    }
    for bad in ["a", "", "/a?b", "/a#b"] {
        let found = PathPattern::exact(bad).expect_err(bad);
        assert_eq!(found, RuleError::Path(bad.to_owned()));
    }
    let found = PathPattern::prefix("/a/../b").expect_err("not normal").to_string();
    assert!(found.ends_with("write `/b`"), "{found}");
    assert!(matches!(PathPattern::regex("("), Err(RuleError::Regex { .. })));
    assert!(matches!(PathPattern::regex(r"(\w{1000}){1000}"), Err(RuleError::Regex { .. })));
    let header = RuleError::from(HeaderNameError::NoToken).to_string();
    assert!(header.starts_with("a header name is made of"), "{header}");
}

#[test]
fn who_is_counted_together() {
    let subject = |key: &RateKey, source: &str, fields: &str| {
        with_facts(("GET", "/", &format!("Host: a\r\n{fields}")), (None, source), |facts| {
            format!("{:?}", key.subject(facts))
        })
    };
    let source = RateKey::source(24, 64).expect("bits");
    assert_eq!(subject(&source, "10.1.2.3", ""), "Source(10.1.2.0/24)");
    assert_eq!(subject(&source, "::ffff:10.1.2.3", ""), "Source(10.1.2.0/24)");
    assert_eq!(subject(&source, "2001:db8::1:2:3:4", ""), "Source(2001:db8::/64)");
    let header = RateKey::Header(HeaderName::new("X-Key").expect("a name"));
    assert_eq!(subject(&header, "::1", "x-key: 7\r\n"), "Value([55])");
    assert_eq!(subject(&header, "::1", ""), "Source(::1/128)");
    assert!(RateKey::source(33, 64).is_err() && RateKey::source(32, 129).is_err());
}
