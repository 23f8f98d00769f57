//! The keys of a check by DNS.

use toml::Spanned;

use super::{Sink, Table};
use crate::model::{DnsCheck, DnsCode, DnsRecord};

/// Reads them. What is refused has its default in what is returned.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> DnsCheck {
    let usual = DnsCheck::default();
    let query = table.get("query").and_then(|item| item.text(sink, |text| Ok(text.parse()?)));
    let record =
        table.get("record").and_then(|item| item.word(sink, "record", DnsRecord::ALL, &[]));
    let rcode = table.get("rcode").and_then(|item| item.word(sink, "code", DnsCode::ALL, &[]));
    let answer = table.get("answer").and_then(|item| item.address(sink));
    let of_answer = answer.as_ref().map(|answer| DnsRecord::of_address(*answer.get_ref()));
    if let (Some(record), Some(wanted)) = (&record, of_answer)
        && *record.get_ref() != wanted
    {
        let message = format!("an answer of kind {} holds no such address", record.get_ref());
        sink.error(record.span(), table.path_of("record"), message)
            .help(format!("write `record = \"{wanted}\"`, or leave it out"));
    }
    if let (Some(rcode), Some(answer)) = (&rcode, &answer)
        && *rcode.get_ref() != DnsCode::NoError
    {
        let message = format!("an answer with {} holds no address", rcode.get_ref());
        sink.error(answer.span(), table.path_of("answer"), message)
            .help("leave `rcode` or `answer` out".to_owned());
    }
    DnsCheck {
        query: query.map_or(usual.query, Spanned::into_inner),
        record: record.map(Spanned::into_inner).or(of_answer).unwrap_or(usual.record),
        rcode: rcode.map_or(usual.rcode, Spanned::into_inner),
        answer: answer.map(Spanned::into_inner),
    }
}
