//! What a person and what a program sees.

use super::*;

#[test]
fn as_rustc_does() {
    let report = refused(&edited(("mark = 53", "mark = 80")));
    let expected = "\
error: mark 80 belongs to service `site` already
  --> lb.toml:30:8
   |
21 | mark = 80
   |        -- service `site` has it here
...
30 | mark = 80
   |        ^^ service[1].mark
   |
   = help: a mark is the number of one service: choose another";
    assert_eq!(report.render(false), expected);
    assert!(report.render(true).contains("\u{1b}["), "colours for a terminal");
}

#[test]
fn as_json() {
    let report = refused(&edited(("mark = 53", "mark = 80")));
    let expected = serde_json::json!({
        "file": "lb.toml",
        "diagnostics": [{
            "severity": "error",
            "message": "mark 80 belongs to service `site` already",
            "key": "service[1].mark",
            "line": 30,
            "column": 8,
            "help": "a mark is the number of one service: choose another",
            "related": [{ "message": "service `site` has it here", "line": 21, "column": 8 }],
        }],
    });
    assert_eq!(serde_json::to_value(&report).unwrap(), expected);
}

#[test]
fn what_is_wrong_with_nothing() {
    let report = refused("");
    assert_eq!(report.diagnostics[0].message, "`node` is missing in the file");
    assert!(report.to_string().contains("lb.toml:1:1"), "{report}");
    assert_eq!(report.tally(), "1 error");
}

#[test]
fn columns_are_characters() {
    let report = refused("node = { name = \"ä\", nam = 1 }");
    let nam = report.diagnostics.iter().find(|found| found.key == "node.nam").unwrap();
    assert_eq!(report.position(&nam.span).column, 22);
}

#[test]
fn what_only_the_host_knows_has_a_place_too() {
    let valid = parse("lb.toml", VALID).unwrap().warnings;
    for (key, place) in [
        ("node.interface", "--> lb.toml:3:13"),
        ("pool[0].servers[1].address", "--> lb.toml:11:30"),
        ("service[1]", "--> lb.toml:26:1"),
        ("node.interfaces[3]", "--> lb.toml:1:1"),
        ("", "--> lb.toml:1:1"),
    ] {
        let report = valid.host_error(key, "not on this host", Some("choose another"));
        assert!(report.to_string().contains(place), "{key}: {report}");
    }
}
