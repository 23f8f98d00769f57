//! When results in a row become up and down.

use super::*;
use crate::{agent::script::Outcome as Ran, model::Script};

fn script(rise: u8, fall: u8) -> TrackScript {
    let second = Duration::from_secs(1);
    TrackScript {
        script: Script::shell("exit 0".to_owned()),
        user: "nobody".to_owned(),
        interval: second,
        timeout: second,
        rise,
        fall,
    }
}

/// The readings after each of these results; `+` passes, `-` fails.
fn play(script: &TrackScript, before: Reading, results: &str) -> String {
    let mut watched = Watched::new(script, before);
    let after = |result: char| {
        let code = if result == '+' { 0 } else { 1 };
        match watched.finding(&Ran::Exited(code), None).reading {
            Reading::Up => 'U',
            Reading::Down => 'D',
            Reading::Unknown | Reading::Number(_) => '?',
        }
    };
    results.chars().map(after).collect()
}

#[test]
fn rise_and_fall() {
    let cases = [
        // The first result decides alone.
        (1, 1, Reading::Unknown, "+-+", "UDU"),
        (3, 3, Reading::Unknown, "-", "D"),
        (3, 3, Reading::Unknown, "+", "U"),
        (2, 3, Reading::Unknown, "+--+---", "UUUUUUD"),
        (2, 3, Reading::Unknown, "-+-++", "DDDDU"),
        // What was known before a reload is not given up by one result.
        (2, 3, Reading::Up, "---", "UUD"),
        (2, 3, Reading::Down, "++", "DU"),
    ];
    for (rise, fall, before, results, expected) in cases {
        assert_eq!(play(&script(rise, fall), before, results), expected, "{rise} {fall} {results}");
    }
}

#[test]
fn the_reason_counts_what_speaks_against_the_state() {
    let mut watched = Watched::new(&script(2, 3), Reading::Up);
    let finding = watched.finding(&Ran::Exited(1), Some("oh".to_owned()));
    assert_eq!(
        (finding.reading, finding.reason.as_str()),
        (Reading::Up, "exit code 1, 1 of 3 times")
    );
    assert_eq!(finding.said.as_deref(), Some("oh"));
}
