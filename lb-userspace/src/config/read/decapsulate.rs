//! `decapsulate` and `decapsulate_from` of `[node]`.

use super::{
    Sink, Table,
    lists::{addresses, networks},
};
use crate::config::draft::DecapsulateDraft;

/// Reads where tunnels end, and who may send through them.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> DecapsulateDraft {
    let key = table.get("decapsulate");
    let from = table.get("decapsulate_from");
    match (&key, &from) {
        (Some(key), None) if !key.is_empty_array() => {
            let message =
                "`decapsulate` without `decapsulate_from`: anybody could send packets in any name";
            sink.error(key.span.clone(), key.path.clone(), message)
                .help("add who may: `decapsulate_from = [\"10.8.8.0/24\"]`".to_owned());
        }
        (Some(key), Some(from)) if !key.is_empty_array() && from.is_empty_array() => {
            sink.error(from.span.clone(), from.path.clone(), "nobody may send to `decapsulate`")
                .related(key.span.clone(), "unpacked here")
                .help("name the directors: `decapsulate_from = [\"10.8.8.0/24\"]`".to_owned());
        }
        (None, Some(from)) => {
            let message = "`decapsulate_from` without `decapsulate` does nothing";
            sink.warning(from.span.clone(), from.path.clone(), message);
        }
        _ => {}
    }
    DecapsulateDraft {
        addresses: addresses(table, "decapsulate", "address", sink),
        senders: networks(table, "decapsulate_from", sink),
    }
}
