//! Each key that does not belong, or is not there; and what is no TOML.

use super::*;

#[test]
fn keys() {
    expect(
        Severity::Error,
        &[
            case(
                ("mark = 80", "colour = \"red\""),
                (21, "colour", "service[0].colour"),
                &["unknown key `colour` in [[service]]", "`name`, `address`, `ports`"],
            ),
            case(
                ("scheduler = \"maglev\"", "schedular = \"maglev\""),
                (7, "schedular", "pool[0].schedular"),
                &["unknown key `schedular` in [[pool]]", "did you mean `scheduler`?"],
            ),
            case(
                ("rise = 2", "rize = 2"),
                (8, "rize", "pool[0].check.rize"),
                &["unknown key `rize` in `check` of a pool", "did you mean `rise`?"],
            ),
            case(
                ("weight = 2", "wieght = 2"),
                (11, "wieght", "pool[0].servers[1].wieght"),
                &["did you mean `weight`?"],
            ),
            case(
                ("mark = 80", "window = \"15m\""),
                (21, "window", "service[0].window"),
                &["unknown key `window` in [[service]]", "it is a key of [[pool]]"],
            ),
            case(
                ("[node]", "[limit]\nreals = 1\n[node]"),
                (1, "limit", "limit"),
                &["unknown key `limit` in the file", "did you mean `limits`?"],
            ),
            case(
                ("[node]", "[[metrics]]\nname = \"a\"\n[node]"),
                (1, "metrics", "metrics"),
                &["`metrics` is not available in this version"],
            ),
            case(
                ("mark = 80", "tls = { certificates = [] }"),
                (21, "{ certificates = [] }", "service[0].tls"),
                &["`tls` is for services of the proxy", "write `mode = \"http\"`"],
            ),
            case(
                ("type = \"tcp\"", "ca = \"/etc/ca.pem\""),
                (8, "ca", "pool[0].check.ca"),
                &["`ca` is not available in this version"],
            ),
        ],
    );
}

#[test]
fn missing_keys() {
    expect(
        Severity::Error,
        &[
            case(
                ("name = \"director-1\"\n", ""),
                (1, "[node]", "node.name"),
                &["`name` is missing in [node]", "add `name = "],
            ),
            case(
                ("interface = \"eth0\"\n", ""),
                (1, "[node]", "node.interface"),
                &["no interface", "add `interface = \"eth0\"`"],
            ),
            case(
                ("address = \"10.8.8.40\"\n", ""),
                (17, "[[service]]", "service[0].address"),
                &["`address` is missing in [[service]]"],
            ),
            case(
                ("ports = [\"udp/53\"]\n", ""),
                (26, "[[service]]", "service[1].ports"),
                &["`ports` is missing", "[\"tcp/80\"]"],
            ),
            case(
                (", address = \"10.8.8.44\"", ""),
                (11, "{ name = \"web2\", weight = 2 }", "pool[0].servers[1].address"),
                &["`address` is missing in `servers` of a pool"],
            ),
            case(
                ("[node]\nname = \"director-1\"\ninterface = \"eth0\"\n", ""),
                (1, "", "node"),
                &["`node` is missing in the file"],
            ),
        ],
    );
}

#[test]
fn not_toml() {
    let report = refused("[node]\nname = \ninterface = eth0\nname = \"a\"\n");
    assert!(report.diagnostics.iter().all(|found| found.message.starts_with("not TOML: ")));
    let lines: Vec<_> =
        report.diagnostics.iter().map(|found| report.position(&found.span).line).collect();
    assert!(lines.contains(&2) && lines.contains(&3), "all of them: {report}");
}

#[test]
fn one_table_where_there_are_many() {
    let report = refused("[node]\nname = \"a\"\ninterface = \"eth0\"\n[pool]\nname = \"web\"\n");
    assert!(report.to_string().contains("write `[[pool]]` instead of `[pool]`"), "{report}");
}

#[test]
fn all_errors_are_reported_together() {
    let text = VALID
        .replace("eth0", "eth/0")
        .replace("scheduler", "schedular")
        .replace("weight = 2", "weight = 300")
        .replace("tcp/443", "tcp/70000")
        .replace("pool = \"dns\"", "pool = \"dms\"");
    let report = refused(&text);
    let lines: Vec<_> = report
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| report.position(&found.span).line)
        .collect();
    assert_eq!(lines, [3, 7, 11, 20, 31], "{report}");
}
