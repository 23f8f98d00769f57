//! Each value that can be wrong on its own.

use super::*;

#[test]
fn numbers() {
    expect(
        Severity::Error,
        &[
            case(
                ("\"tcp/443\"", "\"tcp/70000\""),
                (20, "\"tcp/70000\"", "service[0].ports[1]"),
                &["port 70000 is out of range", "1 to 65535"],
            ),
            case(
                ("\"tcp/443\"", "\"tcp/0\""),
                (20, "\"tcp/0\"", "service[0].ports[1]"),
                &["1 to 65535, or `*`"],
            ),
            case(
                ("\"tcp/443\"", "\"443\""),
                (20, "\"443\"", "service[0].ports[1]"),
                &["write `tcp/80`"],
            ),
            case(
                ("\"tcp/443\"", "443"),
                (20, "443", "service[0].ports[1]"),
                &["expected a string, found a whole number"],
            ),
            case(
                ("port = 80", "port = 65536"),
                (8, "65536", "pool[0].check.port"),
                &["1 to 65535"],
            ),
            case(
                ("10.8.8.44", "10.8.8.44:99999"),
                (11, "\"10.8.8.44:99999\"", "pool[0].servers[1].address"),
                &["port 99999 is out of range"],
            ),
            case(
                ("weight = 2", "weight = 257"),
                (11, "257", "pool[0].servers[1].weight"),
                &["weight 257", "0 (no new connections) to 256"],
            ),
            case(
                ("weight = 2", "weight = -1"),
                (11, "-1", "pool[0].servers[1].weight"),
                &["weight -1"],
            ),
            case(
                ("weight = 2", "weight = 1.5"),
                (11, "1.5", "pool[0].servers[1].weight"),
                &["expected a whole number, found a number with a fraction"],
            ),
            case(
                ("mark = 80", "mark = 0"),
                (21, "0", "service[0].mark"),
                &["a mark is 1 to 4294967295"],
            ),
            case(("rise = 2", "rise = 0"), (8, "0", "pool[0].check.rise"), &["1 to 255"]),
            case(("fall = 3", "fall = 256"), (8, "256", "pool[0].check.fall"), &["1 to 255"]),
            case(
                ("name = \"dns\"", "name = \"dns\"\nring_size = 65536"),
                (15, "65536", "pool[1].ring_size"),
                &["not a prime", "65521 and 65537"],
            ),
            case(
                ("name = \"dns\"", "name = \"dns\"\nring_size = 7"),
                (15, "7", "pool[1].ring_size"),
                &["a prime from 1021 to 262139"],
            ),
            case(
                ("[node]", "[limits]\nreals = 0\n[node]"),
                (2, "0", "limits.reals"),
                &["`reals` is 1 to 1048576"],
            ),
        ],
    );
}

#[test]
fn durations() {
    expect(
        Severity::Error,
        &[
            case(
                ("interval = \"2s\"", "interval = 2"),
                (8, "2", "pool[0].check.interval"),
                &["2 has no unit", "write \"2s\"", "ms, s, m, h"],
            ),
            case(
                ("interval = \"2s\"", "interval = \"2\""),
                (8, "\"2\"", "pool[0].check.interval"),
                &["`2` has no unit"],
            ),
            case(
                ("interval = \"2s\"", "interval = \"0s\""),
                (8, "\"0s\"", "pool[0].check.interval"),
                &["`0s` is out of range: use 10ms to 1h"],
            ),
            case(
                ("interval = \"2s\"", "interval = \"2 days\""),
                (8, "\"2 days\"", "pool[0].check.interval"),
                &["not a duration"],
            ),
            case(
                ("timeout = \"1s\"", "timeout = \"2h\""),
                (8, "\"2h\"", "pool[0].check.timeout"),
                &["10ms to 1h"],
            ),
            case(
                ("name = \"dns\"", "name = \"dns\"\nwindow = \"1s\""),
                (15, "\"1s\"", "pool[1].window"),
                &["10s to 24h"],
            ),
            case(
                ("timeout = \"6m\"", "timeout = \"25h\""),
                (23, "\"25h\"", "service[0].persistence.timeout"),
                &["1s to 24h"],
            ),
        ],
    );
}

#[test]
fn words() {
    expect(
        Severity::Error,
        &[
            case(
                ("mode = \"direct-routing\"", "mode = \"nat\""),
                (22, "\"nat\"", "service[0].mode"),
                &["mode `nat` is not available in this version", "`direct-routing`"],
            ),
            case(
                ("mode = \"direct-routing\"", "mode = \"direct-roting\""),
                (22, "\"direct-roting\"", "service[0].mode"),
                &["unknown mode", "did you mean `direct-routing`?"],
            ),
            case(
                ("\"maglev\"", "\"magelv\""),
                (7, "\"magelv\"", "pool[0].scheduler"),
                &["unknown scheduler", "did you mean `maglev`?"],
            ),
            case(
                ("\"maglev\"", "\"fastest\""),
                (7, "\"fastest\"", "pool[0].scheduler"),
                &["unknown scheduler `fastest`", "available: `maglev`, `source`, `sh`, `mh`, `rr`"],
            ),
            case(
                ("\"maglev\"", "\"lblc\""),
                (7, "\"lblc\"", "pool[0].scheduler"),
                &["scheduler `lblc` is not available in this version"],
            ),
            case(
                ("type = \"tcp\"", "type = \"quic\""),
                (8, "\"quic\"", "pool[0].check.type"),
                &["unknown check type `quic`", "`tcp`", "`agent`, `file` and `script`"],
            ),
            case(
                ("interface = \"eth0\"", "interface = \"eth0\"\nxdp_mode = \"fast\""),
                (4, "\"fast\"", "node.xdp_mode"),
                &["unknown XDP mode", "`auto`, `native` and `generic`"],
            ),
        ],
    );
}

#[test]
fn names_and_addresses() {
    expect(
        Severity::Error,
        &[
            case(
                ("\"director-1\"", "\"director 1\""),
                (2, "\"director 1\"", "node.name"),
                &["' ' is not allowed"],
            ),
            case(
                ("\"eth0\"", "\"a-very-long-interface\""),
                (3, "\"a-very-long-interface\"", "node.interface"),
                &["1 to 15 bytes"],
            ),
            case(
                ("\"eth0\"", "\"eth/0\""),
                (3, "\"eth/0\"", "node.interface"),
                &["'/' is not allowed"],
            ),
            case(
                ("interface = \"eth0\"", "interfaces = []"),
                (3, "[]", "node.interfaces"),
                &["no interface", "at least one"],
            ),
            case(
                ("interface = \"eth0\"", "interfaces = \"eth0\""),
                (3, "\"eth0\"", "node.interfaces"),
                &["expected an array, found a string", "[ ]"],
            ),
            case(
                ("\"10.8.8.40\"", "\"10.8.8.400\""),
                (19, "\"10.8.8.400\"", "service[0].address"),
                &["`10.8.8.400` is not an IP address"],
            ),
            case(
                ("\"10.8.8.40\"", "\"10.8.8.40/32\""),
                (19, "\"10.8.8.40/32\"", "service[0].address"),
                &["leave out the prefix length: \"10.8.8.40\""],
            ),
            case(
                ("source = \"/24\"", "source = \"24\""),
                (23, "\"24\"", "service[0].persistence.source"),
                &["write \"/1\" to \"/32\""],
            ),
            case(
                ("source = \"/24\"", "source6 = \"/129\""),
                (23, "\"/129\"", "service[0].persistence.source6"),
                &["\"/1\" to \"/128\""],
            ),
            case(
                ("interface = \"eth0\"", "interface = \"eth0\"\nsocket = \"lb.sock\""),
                (4, "\"lb.sock\"", "node.socket"),
                &["not an absolute path"],
            ),
            case(
                ("ports = [\"udp/53\"]", "ports = []"),
                (29, "[]", "service[1].ports"),
                &["at least one port"],
            ),
            case(
                ("ports = [\"udp/53\"]", "ports = [\"udp/53\"]\nudp_idle = \"2h\""),
                (30, "\"2h\"", "service[1].udp_idle"),
                &["out of range", "1s to 1h"],
            ),
            case(
                ("ports = [\"udp/53\"]", "ports = \"udp/53\""),
                (29, "\"udp/53\"", "service[1].ports"),
                &["expected an array", "[ ]"],
            ),
            case(
                ("interface = \"eth0\"", "interface = \"eth0\"\nmanage_addresses = \"no\""),
                (4, "\"no\"", "node.manage_addresses"),
                &["`true` or `false`"],
            ),
            Case {
                edit: ("interface = \"eth0\"", "interfaces = [\"eth0\", \"eth0\"]"),
                place: (3, "\"eth0\"", "node.interfaces[1]"),
                words: &["interface `eth0` is named twice"],
                related: Some((3, "first here")),
            },
            Case {
                edit: ("interface = \"eth0\"", "interface = \"eth0\"\ninterfaces = [\"eth1\"]"),
                place: (4, "[\"eth1\"]", "node.interfaces"),
                words: &["keep one of them"],
                related: Some((3, "already said here")),
            },
            case(
                ("interface = \"eth0\"", "interface = \"eth0\"\npeer_port = 0"),
                (4, "0", "node.peer_port"),
                &["port 0 is out of range: a port is 1 to 65535"],
            ),
            Case {
                edit: (
                    "interface = \"eth0\"",
                    "interface = \"eth0\"\npeers = [\"10.0.0.1\", \"10.0.0.1\"]",
                ),
                place: (4, "\"10.0.0.1\"", "node.peers[1]"),
                words: &["peer 10.0.0.1 is named twice"],
                related: Some((4, "first here")),
            },
            Case {
                edit: ("\"tcp/443\"", "\"tcp/80\""),
                place: (20, "\"tcp/80\"", "service[0].ports[1]"),
                words: &["port tcp/80 is named twice"],
                related: Some((20, "first here")),
            },
        ],
    );
}
