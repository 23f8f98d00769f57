//! Guard lists: an operator's word on clients, and the trie that follows it.

use std::time::Instant;

use anyhow::Result;
use tracing::info;

use super::{control::GuardChange, director::Director, files, run::Agent};
use crate::{
    api::{Done, GuardReport, GuardWord, ListedPrefix, NewPrefixes},
    model::{GuardAction, Name},
    plan::{GuardLists, ListChanges, Prefix, wanted_lists},
};

/// Comparing lists takes at most one part in so many of the agent's time, where nobody has changed them: a hundred
/// thousand prefixes take 0.12 s, during which nothing else happens.
const PART: u32 = 1_000;

/// What is left to do once no packet is asked by the old rules any more.
#[derive(Debug, Default)]
pub(super) struct ListsBegun {
    /// Prefixes to remove.
    remove: Vec<Prefix>,
    /// All changes, those that are done included.
    pub(super) changes: usize,
}

impl Director {
    /// Writes what is new on the lists, before services that need it. Nothing where the trie is known to be
    /// in line.
    pub(super) fn begin_lists(&mut self) -> Result<ListsBegun> {
        if self.lists_known {
            return Ok(ListsBegun::default());
        }
        let began = Instant::now();
        let wanted = wanted_lists(&self.effective.config, &self.guards, self.ledger.numbering());
        let actual = self.plane.lists()?;
        let ListChanges { put, mut remove } = ListChanges::between(&actual, &wanted);
        self.lists_due = began + began.elapsed() * PART;
        let changes = put.len() + remove.len();
        if actual.len() + put.len() > self.config.limits.guard_prefixes as usize {
            // The old and the new ones do not fit side by side.
            self.plane.remove_prefixes(&std::mem::take(&mut remove))?;
        }
        self.plane.put_prefixes(&put)?;
        Ok(ListsBegun { remove, changes })
    }

    /// Removes what is no longer on the lists, after services that needed it.
    pub(super) fn finish_lists(&mut self, begun: &ListsBegun) -> Result<()> {
        self.plane.remove_prefixes(&begun.remove)?;
        self.lists_known = true;
        Ok(())
    }
}

impl Agent {
    /// Carries out an operator's word on lists, or nothing of it.
    pub(super) fn change_guard(&mut self, change: GuardChange) -> Result<Done, String> {
        let config = &self.director.config;
        let mut guards = self.director.guards.clone();
        let words = match change {
            GuardChange::Put(new) => put(&mut guards, config, &new),
            GuardChange::Clear(service) => guards.clear(config, service.as_ref()).map(|count| {
                format!("{}: {} taken back", title(service.as_ref()), prefixes(count))
            }),
        }
        .map_err(|error| error.to_string())?;
        let mut warnings = Vec::new();
        if !guards.every.is_empty() && config.services.iter().all(|s| s.guard.is_none()) {
            warnings.push(
                "no service has a guard: the list is kept, and works as soon as one has \
                 `guard = {}`"
                    .to_owned(),
            );
        }
        let before = std::mem::replace(&mut self.director.guards, guards);
        let steps = match self.save_guards().and_then(|()| self.sync_guards()) {
            Ok(steps) => steps,
            Err(error) => {
                self.director.guards = before;
                let back = self.save_guards().and_then(|()| self.sync_guards());
                let back = back.err().map_or_else(String::new, |again| {
                    format!("; going back failed as well: {again:#}")
                });
                return Err(format!("{error:#}{back}"));
            }
        };
        info!(change = words, steps, "guard lists changed by an operator");
        Ok(Done { message: words, steps, warnings, ..Done::default() })
    }

    /// What lists say: all of them, or that of one service.
    pub(super) fn guard_report(&self, service: Option<&Name>) -> Result<GuardReport, String> {
        let config = &self.director.config;
        if let Some(name) = service {
            GuardLists::check_service(config, name).map_err(|error| error.to_string())?;
        }
        let lists = self.director.guards.whole(config).into_iter();
        let lists = lists.filter(|(of, _)| service.is_none() || of.as_ref() == service);
        let prefixes = lists.flat_map(|(service, list)| {
            list.into_iter().map(move |(prefix, (action, from))| {
                let service = service.clone();
                ListedPrefix { service, prefix, action, from }
            })
        });
        Ok(GuardReport { limit: config.limits.guard_prefixes, prefixes: prefixes.collect() })
    }

    fn save_guards(&self) -> Result<()> {
        Ok(files::write(&self.parsed.config.node.guard_file(), &self.director.guards)?)
    }

    fn sync_guards(&mut self) -> Result<usize> {
        self.director.lists_known = false;
        self.director.converge(&self.neighbours, Instant::now())
    }
}

fn put(
    guards: &mut GuardLists,
    config: &crate::model::Config,
    new: &NewPrefixes,
) -> Result<String, crate::plan::GuardError> {
    let service = new.service.as_ref();
    let done = match new.word {
        GuardWord::Allow => {
            guards.set(config, service, GuardAction::Allow, &new.prefixes).map(|()| "allowed")
        }
        GuardWord::Deny => {
            guards.set(config, service, GuardAction::Deny, &new.prefixes).map(|()| "denied")
        }
        GuardWord::Remove => guards.remove(config, service, &new.prefixes).map(|()| "taken back"),
    }?;
    let what = match &new.prefixes[..] {
        [one] => one.to_string(),
        many => prefixes(many.len()),
    };
    Ok(format!("{}: {what} {done}", title(service)))
}

/// Whose list.
fn title(service: Option<&Name>) -> String {
    service.map_or_else(|| "every guarded service".to_owned(), |name| format!("service {name}"))
}

fn prefixes(count: usize) -> String {
    if count == 1 { "1 prefix".to_owned() } else { format!("{count} prefixes") }
}
