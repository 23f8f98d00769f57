//! What can be wrong with tunnels, at both ends.

use super::*;

const NODE: &str = "interface = \"eth0\"";

#[test]
fn beginnings() {
    expect(
        Severity::Error,
        &[
            case(
                (NODE, "interface = \"eth0\"\ntunnel_source = \"fd00::/64\""),
                (4, "\"fd00::/64\"", "node.tunnel_source"),
                &["fd00::/64 is an IPv6 prefix, an IPv4 one is needed"],
            ),
            case(
                (NODE, "interface = \"eth0\"\ntunnel_source6 = \"10.8.8.41\""),
                (4, "\"10.8.8.41\"", "node.tunnel_source6"),
                &["10.8.8.41/32 is an IPv4 prefix, an IPv6 one is needed"],
            ),
            case(
                (NODE, "interface = \"eth0\"\ntunnel_source = \"172.16.0.1/16\""),
                (4, "\"172.16.0.1/16\"", "node.tunnel_source"),
                &["the network is 172.16.0.0/16, the one host 172.16.0.1"],
            ),
            case(
                (NODE, "interface = \"eth0\"\ntunnel_source = \"172.16.0.0/33\""),
                (4, "\"172.16.0.0/33\"", "node.tunnel_source"),
                &["an IPv4 prefix is 0 to 32"],
            ),
        ],
    );
}

#[test]
fn ends() {
    let from = "decapsulate_from = [\"10.8.8.0/24\"]";
    let node = |lines: &str| edited((NODE, &format!("interface = \"eth0\"\n{lines}")));
    let alone = refused(&node("decapsulate = [\"10.8.8.43\"]"));
    let [error] = alone.diagnostics.as_slice() else { panic!("{alone}") };
    assert_eq!((alone.position(&error.span).line, error.key.as_str()), (4, "node.decapsulate"));
    assert!(alone.to_string().contains("add who may: `decapsulate_from = [\"10.8.8.0/24\"]`"));

    for (lines, key, words) in [
        (
            "decapsulate = [\"10.8.8.43\"]\ndecapsulate_from = []",
            "node.decapsulate_from",
            "nobody may send to `decapsulate`",
        ),
        (
            "decapsulate = [\"10.8.8.43\"]\ndecapsulate_from = [\"10.8.8.1/24\"]",
            "node.decapsulate_from[0]",
            "the network is 10.8.8.0/24",
        ),
        (
            &format!("decapsulate = [\"10.8.8.43\", \"10.8.8.43\"]\n{from}"),
            "node.decapsulate[1]",
            "address 10.8.8.43 is named twice",
        ),
        (
            &format!("decapsulate = [\"127.0.0.1\"]\n{from}"),
            "node.decapsulate[0]",
            "127.0.0.1 is a loopback address: the end of a tunnel needs",
        ),
        (
            &format!("decapsulate = [\"10.8.8.0/24\"]\n{from}"),
            "node.decapsulate[0]",
            "leave out the prefix length",
        ),
        (
            "decapsulate = [\"10.8.8.43\"]\ndecapsulate_from = [\"10.8.8.9\", \"10.8.8.9\"]",
            "node.decapsulate_from[1]",
            "prefix 10.8.8.9/32 is named twice",
        ),
    ] {
        let report = refused(&node(lines));
        let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!(error.key, key, "{report}");
        assert!(report.to_string().contains(words), "{words}: {report}");
    }
}

#[test]
fn ends_that_nobody_reaches() {
    expect(
        Severity::Warning,
        &[
            case(
                (NODE, "interface = \"eth0\"\ndecapsulate_from = [\"10.8.8.0/24\"]"),
                (4, "[\"10.8.8.0/24\"]", "node.decapsulate_from"),
                &["`decapsulate_from` without `decapsulate` does nothing"],
            ),
            case(
                (
                    NODE,
                    "interface = \"eth0\"\ndecapsulate_from = [\"10.8.8.0/24\"]\ndecapsulate = [\"fd00::43\"]",
                ),
                (5, "\"fd00::43\"", "node.decapsulate[0]"),
                &["nobody may send to fd00::43: `decapsulate_from` has no IPv6 prefix"],
            ),
        ],
    );
}

#[test]
fn of_a_pool() {
    let dns = "name = \"dns\"";
    expect(
        Severity::Error,
        &[
            case(
                (dns, "name = \"dns\"\ntunnel = { type = \"vxlan\" }"),
                (15, "\"vxlan\"", "pool[1].tunnel.type"),
                &["unknown tunnel type `vxlan`", "`ip` and `gue`"],
            ),
            case(
                (dns, "name = \"dns\"\ntunnel = { type = \"ip\", port = 6080 }"),
                (15, "6080", "pool[1].tunnel.port"),
                &["a tunnel of type `ip` has no port", "`type = \"gue\"`"],
            ),
            case(
                (dns, "name = \"dns\"\ntunnel = \"gue\""),
                (15, "\"gue\"", "pool[1].tunnel"),
                &["expected a table, found a string"],
            ),
        ],
    );
    let tunnelled = |tunnel: &str| {
        let text = edited((dns, &format!("name = \"dns\"\ntunnel = {tunnel}")));
        text.replace("mark = 53", "mode = \"tunnel\"")
    };
    for (tunnel, key, words) in [
        (
            "{ mtu = 575 }",
            "mtu",
            "MTU 575 is out of range: the path to the servers carries 576 to 65535",
        ),
        ("{ mtu = 65536 }", "mtu", "576 to 65535"),
        ("{ type = \"gue\", port = 0 }", "port", "port 0 is out of range"),
        ("{ clamp_mss = true }", "clamp_mss", "`lb real-server setup --vip VIP --clamp-mss auto`"),
        ("{ mtus = 1400 }", "mtus", "did you mean `mtu`?"),
    ] {
        let report = refused(&tunnelled(tunnel));
        let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!(
            (report.position(&error.span).line, error.key.as_str()),
            (15, format!("pool[1].tunnel.{key}").as_str())
        );
        assert!(report.to_string().contains(words), "{words}: {report}");
    }
}

#[test]
fn nobody_goes_through_it() {
    expect_one(
        &case(
            ("name = \"dns\"", "name = \"dns\"\ntunnel = { mtu = 1400 }"),
            (15, "{ mtu = 1400 }", "pool[1].tunnel"),
            &["no service of pool `dns` is in tunnel mode", "write `mode = \"tunnel\"`"],
        ),
        Severity::Warning,
    );
}

/// The families need not be the same, and the client's port is kept as with direct routing.
#[test]
fn servers_behind_a_tunnel() {
    let tunnel = edited(("mark = 53", "mode = \"tunnel\""));
    let config = parse("lb.toml", &tunnel.replace("2001:db8::53", "10.9.9.53")).unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings);

    let warnings =
        parse("lb.toml", &tunnel.replace("2001:db8::53", "10.9.9.53:54")).unwrap().warnings;
    let [warning] = warnings.diagnostics.as_slice() else { panic!("{warnings}") };
    assert_eq!(warning.key, "pool[1].servers[0].address");
    assert!(warning.message.contains("port 54 of server `dns1`"), "{warnings}");

    // A service of each mode may use one pool; direct routing still wants its family.
    let both = tunnel.replace("pool = \"dns\"", "pool = \"web\"");
    let both = parse("lb.toml", &both).unwrap();
    assert_eq!(both.warnings.tally(), "1 warning", "pool `dns` is not used: {}", both.warnings);
}
