//! Any text at all: no panic, no place outside the text. And what a model says is read back as it was.

use std::{fmt::Write as _, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    config::schema::{self, Schema},
    model::show_duration,
};

/// Reads a text, and looks at every place that is named.
fn look_at_places(text: &str) {
    let report = match parse("lb.toml", text) {
        Ok(parsed) => parsed.warnings,
        Err(report) => {
            assert!(report.count(Severity::Error) > 0, "refused without a reason: {text:?}");
            report
        }
    };
    for found in &report.diagnostics {
        let spans = found.related.iter().map(|other| &other.span).chain([&found.span]);
        for span in spans {
            assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}: {found:?}");
        }
    }
    let _ = (report.render(true), serde_json::to_string(&report));
}

/// Pieces that a mutation puts somewhere in a valid file.
const PIECES: [&str; 24] = [
    "",
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\r\n",
    "\0",
    "ä",
    "\"\"\"",
    "[[pool]]\n",
    "[service]\n",
    "address = 1\n",
    "99999999999999999999999999999999999999999",
    "pool.",
    "\t",
];

/// Tables, with a line that they have in [`VALID`], and what is around a key in them.
const TABLES: [(&str, &str, &Schema); 25] = [
    ("interface = \"eth0\"", "KEY", &schema::NODE),
    ("priority = 100", "KEY", &schema::VRRP),
    ("priority = 100", "version = 2\nKEY", &schema::VRRP),
    ("priority = 100", "announce = { KEY }", &schema::ANNOUNCE),
    ("\"10.9.9.50\"", "\"10.9.9.50\", { address = \"10.9.9.60\", KEY }", &schema::VIRTUAL_ADDRESS),
    ("priority = 100", "track = [{ KEY }]", &schema::TRACKED),
    ("name = \"dns\"", "[[track]]\nname = \"t\"\nKEY", &schema::TRACK),
    ("name = \"dns\"", "[[track]]\nname = \"t\"\nscript = [\"/a\"]\nKEY", &schema::TRACK),
    ("name = \"dns\"", "[[track]]\nname = \"t\"\nprocess = \"a\"\nKEY", &schema::TRACK),
    ("name = \"dns\"", "[[track]]\nname = \"t\"\nshell = true\nKEY", &schema::TRACK),
    (
        "priority = 100",
        "group = \"g\"\n[[vrrp_group]]\nname = \"g\"\nKEY\n[[vrrp]]",
        &schema::VRRP_GROUP,
    ),
    ("[[vrrp]]", "[mail]\nKEY\n[[vrrp]]", &schema::MAIL),
    ("priority = 100", "routes = [{ to = \"10.20.0.0/16\", KEY }]", &schema::ROUTE),
    ("priority = 100", "rules = [{ priority = 9, table = 9, KEY }]", &schema::RULE),
    ("name = \"dns\"", "KEY", &schema::POOL),
    ("name = \"dns\"", "sorry_server = { KEY }", &schema::SORRY_SERVER),
    ("name = \"dns\"", "tunnel = { KEY }", &schema::TUNNEL),
    ("name = \"dns\"", "check = { port = 53, KEY }", &schema::CHECK),
    ("name = \"dns\"", "check = { type = \"http\", KEY }", &schema::CHECK),
    ("name = \"dns\"", "check = { type = \"https\", KEY }", &schema::CHECK),
    ("mark = 53", "KEY", &schema::SERVICE),
    ("mark = 53", "persistence = { KEY }", &schema::PERSISTENCE),
    ("mark = 53", "guard = { KEY }", &schema::GUARD),
    ("mark = 53", "guard = { source_rate = \"1/s\", KEY }", &schema::GUARD),
    ("mark = 53", "flood = { above = \"9/s\", KEY }", &schema::FLOOD),
];

/// Values of every type, some of them near to what is meant.
const VALUES: [&str; 30] = [
    "1",
    "-1",
    "65536",
    "1.5",
    "true",
    "\"\"",
    "\"*\"",
    "\"/64\"",
    "\"1s\"",
    "\"7/h\"",
    "\"10.0.0.0/8\"",
    "\"2001:db8::53\"",
    "\"deny\"",
    "\"gue\"",
    "\"rr\"",
    "\"until-drained\"",
    "[]",
    "[[]]",
    "{}",
    "[{}]",
    "[1]",
    "[\"\"]",
    "[\"tcp/1-9\", \"*\"]",
    "[\"::/0\", \"::/0\"]",
    "[\"10.8.8.1\", \"fd00::1\"]",
    "1979-05-27",
    "\"\\u0000\"",
    "\"tunnel\"",
    "\"/a(b\"",
    "[\"200-299\", \"X: y\"]",
];

proptest! {
    #[test]
    fn any_value_of_any_key_of_any_table(
        (line, around, schema) in prop::sample::select(&TABLES[..]),
        key in any::<prop::sample::Index>(),
        value in prop::sample::select(&VALUES[..]),
    ) {
        let key = key.get(schema.keys);
        let added = around.replace("KEY", &format!("{key} = {value}"));
        look_at_places(&edited((line, &format!("{line}\n{added}"))));
    }

    #[test]
    fn a_damaged_file(cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(&PIECES[..])), 1..5)) {
        let mut text = VALID.to_owned();
        for (at, length, piece) in cuts {
            let boundary = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap();
            let start = boundary(at.index(text.len() + 1));
            let end = boundary((start + length).min(text.len()));
            text.replace_range(start..end, piece);
        }
        look_at_places(&text);
    }

    #[test]
    fn any_text(text in "(?s).{0,200}") {
        look_at_places(&text);
    }

    #[test]
    fn any_value_of_any_key(
        line in prop::sample::select(VALID.lines().filter(|line| line.contains(" = ")).collect::<Vec<_>>()),
        value in prop::sample::select(&["1", "-1", "1.5", "true", "\"\"", "[]", "[[]]", "{}", "[{}]", "[1]", "[\"\"]", "1979-05-27", "\"\\u0000\""][..]),
    ) {
        let key = line.split_once(" = ").unwrap().0;
        look_at_places(&VALID.replacen(line, &format!("{key} = {value}"), 1));
    }

    #[test]
    fn there_and_back(weights in prop::collection::vec(0_u16..=256, 1..20), interval in 10_u64..10_000, mark in 1_u32.., ports in prop::collection::btree_set(1_u16.., 1..8)) {
        let interval = Duration::from_millis(interval);
        let mut text = "[node]\nname = \"a\"\ninterface = \"eth0\"\n[[pool]]\nname = \"p\"\n".to_owned();
        writeln!(text, "check = {{ interval = \"{}\" }}\nservers = [", show_duration(interval)).unwrap();
        for (number, weight) in weights.iter().enumerate() {
            writeln!(text, "{{ name = \"s{number}\", address = \"10.0.1.{number}\", weight = {weight} }},").unwrap();
        }
        let specs: Vec<_> = ports.iter().map(|port| format!("\"tcp/{port}\"")).collect();
        writeln!(text, "]\n[[service]]\nname = \"s\"\naddress = \"10.0.0.1\"\nmark = {mark}\npool = \"p\"\nports = [{}]", specs.join(", ")).unwrap();

        let config = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}")).config;
        let pool = &config.pools[0];
        prop_assert_eq!(pool.servers.iter().map(|server| server.weight.get()).collect::<Vec<_>>(), weights);
        prop_assert_eq!(pool.checks.iter().next().unwrap().interval, interval);
        prop_assert_eq!(config.services[0].mark.unwrap().get(), mark);
        prop_assert_eq!(config.services[0].ports.iter().map(|spec| spec.first).collect::<Vec<_>>(), Vec::from_iter(ports));
    }
}
