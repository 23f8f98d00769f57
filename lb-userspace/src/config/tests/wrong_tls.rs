//! TLS of the proxy, with clients and with servers: what is right, and what is not.

use super::wrong_proxied::{refused, with};
use super::*;
use crate::model::{PoolTls, ServiceTls, TlsCheck, TlsClients, TlsVersions};

#[test]
fn clients_by_tls() {
    let tls = |keys: &str| {
        with("http", "\"tcp/443\"", "10.8.8.43:8080", &format!("tls = {{ {keys} }}\n"))
    };
    let full = tls(
        "certificates = [\"/etc/lb/a.pem\", \"/etc/lb/more\"], strict_sni = true, min_version = \"1.3\", \
         client_ca = \"/etc/lb/ca.pem\", client_certificates = \"optional\"",
    );
    let parsed = parse("lb.toml", &full).unwrap_or_else(|report| panic!("{report}"));
    let proxy = parsed.config.services[2].proxy.as_ref().expect("it is one of the proxy");
    let expected = ServiceTls {
        certificates: vec!["/etc/lb/a.pem".into(), "/etc/lb/more".into()],
        strict_sni: true,
        versions: TlsVersions::Tls13,
        clients: Some(TlsClients { authorities: "/etc/lb/ca.pem".into(), optional: true }),
    };
    assert_eq!(proxy.tls.as_ref(), Some(&expected));
    let one = "certificates = \"/a.pem\"";
    for (text, key, words) in [
        (tls("strict_sni = true"), "tls.certificates", "`certificates` is missing"),
        (tls("certificates = []"), "tls.certificates", "empty list"),
        (tls("certificates = \"a.pem\""), "tls.certificates", "write `/etc/lb/a.pem`"),
        (tls(&format!("{one}, min_version = \"1.1\"")), "tls.min_version", "are not spoken"),
        (
            tls(&format!("{one}, min_version = \"1.3\", max_version = \"1.2\"")),
            "tls.max_version",
            "below `min_version`",
        ),
        (
            tls(&format!("{one}, client_certificates = \"required\"")),
            "tls.client_certificates",
            "add `client_ca",
        ),
        (
            tls(&format!("{one}, client_ca = \"/ca.pem\", client_certificates = \"maybe\"")),
            "tls.client_certificates",
            "unknown answer `maybe`",
        ),
    ] {
        let (found, said) = refused(&text);
        assert_eq!(found, format!("service[2].{key}"), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let direct = VALID.replace("mark = 80", "mark = 80\ntls = { certificates = \"/a.pem\" }");
    assert!(refused(&direct).1.contains("write `mode = \"http\"`"));
}

#[test]
fn servers_by_tls() {
    let tls = |keys: &str| {
        let text = with("http", "\"tcp/80\"", "10.8.8.43:443", "");
        let proxy = format!("name = \"app\"\nproxy = {{ tls = {{ {keys} }} }}\n");
        text.replace("name = \"app\"\n", &proxy)
    };
    let name = || "app.test".parse().expect("a name");
    for (keys, expected) in [
        (
            "sni = \"app.test\", ca = \"/etc/lb/ca.pem\", certificate = \"/etc/lb/own.pem\", min_version = \"1.3\"",
            PoolTls {
                verify: TlsCheck::Verified(name()),
                authorities: Some("/etc/lb/ca.pem".into()),
                certificate: Some("/etc/lb/own.pem".into()),
                versions: TlsVersions::Tls13,
            },
        ),
        (
            "verify = \"none\"",
            PoolTls {
                verify: TlsCheck::Unverified(None),
                authorities: None,
                certificate: None,
                versions: TlsVersions::Both,
            },
        ),
    ] {
        let parsed = parse("lb.toml", &tls(keys)).unwrap_or_else(|report| panic!("{report}"));
        let pool = parsed.config.pools.last().expect("it is there");
        assert_eq!(pool.proxy.tls.as_ref(), Some(&expected));
    }
    for (keys, key, words) in [
        ("", "sni", "`verify = false`"),
        ("sni = \"10.8.8.43\"", "sni", "not the name of a TLS server"),
        ("sni = \"a.test\", ca = \"ca.pem\"", "ca", "write `/etc/lb/ca.pem`"),
        ("verify = false, ca = \"/ca.pem\"", "ca", "leave `verify` out"),
        ("sni = \"a.test\", max_version = \"1.0\"", "max_version", "are not spoken"),
    ] {
        let (found, said) = refused(&tls(keys));
        assert_eq!(found, format!("pool[2].proxy.tls.{key}"), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
