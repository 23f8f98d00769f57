//! What a check says as it is, and what it wants to hear: `send` and `expect`, each in several ways.

use toml::Spanned;

use super::{Sink, Table, not_empty};
use crate::model::{Expectation, Payload};

const SEND: [&str; 2] = ["send", "send_hex"];
const EXPECT: [&str; 3] = ["expect", "expect_hex", "expect_regex"];

/// What it says; nothing where that is left out.
pub(super) fn send(table: &Table<'_>, sink: &mut Sink) -> Payload {
    let Some((key, item)) = table.one_of(&SEND, "what is sent", sink) else {
        return Payload::default();
    };
    let payload = match key {
        "send" => item.text(sink, |text| Ok(Payload::new(text)?)),
        _ => item.text(sink, |text| Ok(text.parse()?)),
    };
    payload.map(Spanned::into_inner).unwrap_or_default()
}

/// What it wants to hear, if anything.
pub(super) fn expect(table: &Table<'_>, sink: &mut Sink) -> Option<Expectation> {
    const EMPTY: &str = "every answer begins with nothing";
    let (key, item) = table.one_of(&EXPECT, "an answer", sink)?;
    let expectation = match key {
        "expect" => {
            item.text(sink, |text| Ok(Expectation::Prefix(Payload::new(not_empty(text, EMPTY)?)?)))
        }
        "expect_hex" => {
            item.text(sink, |text| Ok(Expectation::Prefix(not_empty(text, EMPTY)?.parse()?)))
        }
        _ => item.text(sink, |text| Ok(Expectation::Regex(text.parse()?))),
    };
    expectation.map(Spanned::into_inner)
}
