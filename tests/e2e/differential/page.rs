//! The page of differences.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use super::case::{Case, Step};
use super::message::shown;
use super::reasons::{REASONS, Reason};

/// A case in which the two do not do the same.
pub(super) struct Difference<'a> {
    pub(super) case: &'a Case,
    pub(super) ours: Vec<String>,
    pub(super) theirs: Vec<String>,
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/haproxy-differences.md");
/// Bytes of a line in the table.
const LONGEST: usize = 300;
const TO_WRITE: &str = "LB_WRITE_DIFFERENCES";

/// Each difference has a reason, each reason has its differences, and the page says all of them.
pub(super) fn check(differences: &[Difference<'_>], cases: usize) {
    let mut text = head(differences.len(), cases);
    let mut wrong = String::new();
    for Reason { title, why, cases } in REASONS {
        let _ =
            write!(text, "\n## {title}\n\n{why}\n\n| case | lb | HAProxy |\n| --- | --- | --- |\n");
        for name in *cases {
            match differences.iter().find(|difference| difference.case.name == *name) {
                Some(difference) => row(&mut text, difference),
                None => wrong += &format!("no difference: {name} ({title})\n"),
            }
        }
    }
    for Difference { case, ours, theirs } in differences {
        if !REASONS.iter().any(|reason| reason.cases.contains(&case.name.as_str())) {
            let (ours, theirs) = (ours.join("\n  "), theirs.join("\n  "));
            let sent = sent(case);
            wrong += &format!(
                "no reason: {}\n  {sent}\nlb\n  {ours}\nHAProxy\n  {theirs}\n\n",
                case.name
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    if env::var_os(TO_WRITE).is_some() {
        fs::write(PAGE, text).expect("the page can be written");
    } else {
        let page = fs::read_to_string(Path::new(PAGE)).unwrap_or_default();
        assert!(page == text, "{PAGE} is not what was found: write it anew with {TO_WRITE}=1");
    }
}

fn head(differences: usize, cases: usize) -> String {
    format!(
        "# Where the proxy differs from HAProxy\n\n\
         {cases} sequences of requests and responses, valid, odd and hostile, were given to `lb` and to Debian 12's \
         HAProxy 2.6,\nboth with the same limits and timeouts. In {same} of them clients and servers saw the same; these \
         are the other {differences}, with the\nreasons. The end-to-end test \
         `differential::every_difference_from_haproxy_has_its_reason` plays them and compares this\npage; with \
         `{TO_WRITE}=1` it writes it.\n\n\
         Not compared: how field names are spelt (HAProxy writes small letters), the order of different fields, where \
         a chunk\nbegins, `Date`, and the words of error pages.\n\n\
         `client:` is what a client is told; `server 1:` what the first connection to the server hears. Behind most \
         sequences\nanother request follows, `GET /last` with `Connection: close`: who answers it has kept the \
         connection.\n",
        same = cases - differences,
    )
}

/// A line of the table. What is the same everywhere is left out.
fn short(line: &str) -> String {
    let (who, what) = line.split_once(": ").unwrap_or_default();
    let what = match what {
        _ if what.ends_with("body: GET /last") => "200 to the last request",
        _ if what.starts_with("GET /last ") => "the last request",
        _ => what,
    };
    let what = what.replace(" | x-forwarded-for: 10.8.8.10", "").replace('|', "¦");
    match what.len() {
        ..=LONGEST => format!("{who}: {what}"),
        length => {
            let begin: String = what.chars().take(LONGEST).collect();
            format!("{who}: {begin}… ({length} bytes)")
        }
    }
}

fn row(text: &mut String, Difference { case, ours, theirs }: &Difference<'_>) {
    let cell = |lines: &[String]| {
        let lines: Vec<_> = lines.chunk_by(|one, next| one == next).collect();
        let lines = lines.iter().map(|same| match same.len() {
            1 => format!("`{}`", short(&same[0])),
            times => format!("`{}` ({times} times)", short(&same[0])),
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("<br>") }
    };
    let _ = writeln!(text, "| {} | {} | {} |", case.name, cell(ours), cell(theirs));
}

fn sent(case: &Case) -> String {
    let steps = case.steps.iter().map(|step| match step {
        Step::Say(bytes) => shown(bytes).chars().take(300).collect(),
        other => format!("{other:?}"),
    });
    steps.collect::<Vec<_>>().join("\n  ")
}
