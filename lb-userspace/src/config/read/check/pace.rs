//! When a check is made, besides its `interval`.

use toml::Spanned;

use super::{Sink, Table};
use crate::model::{Check, CheckPace, CheckStart, Jitter, WhileBackup};

const STARTS: [(&str, CheckStart); 2] = [("up", CheckStart::Up), ("down", CheckStart::Down)];
const WHILE_BACKUP: [(&str, WhileBackup); 2] =
    [("check", WhileBackup::Check), ("suspend", WhileBackup::Suspend)];

pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> CheckPace {
    let mut time = |key| {
        let item = table.get(key)?;
        item.duration(sink, |time| Ok(Check::time(time)?)).map(Spanned::into_inner)
    };
    let (interval_down, interval_changing) = (time("interval_down"), time("interval_changing"));
    let warm_up = time("warm_up");
    let jitter = table.get("jitter");
    let jitter = jitter.and_then(|item| item.integer(sink, |percent| Ok(Jitter::new(percent)?)));
    let start = table.get("start").and_then(|item| item.word(sink, "start", &STARTS, &[]));
    let backup = table.get("while_backup");
    let backup = backup.and_then(|item| item.word(sink, "choice", &WHILE_BACKUP, &[]));
    CheckPace {
        interval_down,
        interval_changing,
        jitter: jitter.map(Spanned::into_inner).unwrap_or_default(),
        warm_up,
        start: start.map(Spanned::into_inner).unwrap_or_default(),
        while_backup: backup.map(Spanned::into_inner).unwrap_or_default(),
    }
}
