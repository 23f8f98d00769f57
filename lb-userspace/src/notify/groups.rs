//! Where a sync group stands, told by where its members do.
//!
//! A group is master, backup or stopped when all of its members are, and in fault as soon as one of them is. While
//! they move, it stands where it stood.

use std::collections::BTreeMap;

use super::{Change, Stance, Subject};
use crate::model::Name;

/// The groups.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: BTreeMap<Name, Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// Where they stand, as far as they have said so.
    members: BTreeMap<Name, Option<Stance>>,
    /// Where the group stood when it was told last.
    told: Option<Stance>,
}

impl Groups {
    /// Has these members from now on, each with its group. What is known of those that stay is kept.
    pub fn set<'a>(&mut self, members: impl Iterator<Item = (&'a Name, &'a Name)>) {
        let mut before = std::mem::take(&mut self.groups);
        for (member, group) in members {
            let known = before.get_mut(group).and_then(|old| old.members.remove(member));
            let told = before.get(group).and_then(|old| old.told);
            let group = self.groups.entry(group.clone()).or_default();
            group.told = told;
            group.members.insert(member.clone(), known.flatten());
        }
    }

    /// Notes where a member stands. Returns what that changes about its group.
    pub fn note(&mut self, member: &Name, stance: Stance) -> Option<Change> {
        let (name, group) =
            self.groups.iter_mut().find(|(_, group)| group.members.contains_key(member))?;
        group.members.insert(member.clone(), Some(stance));
        let stance = group.stance()?;
        if group.told.replace(stance) == Some(stance) {
            return None;
        }
        Some(Change::vrrp(Subject::Group(name.clone()), stance, 0))
    }
}

impl Group {
    fn stance(&self) -> Option<Stance> {
        let mut members = self.members.values().copied();
        if members.clone().any(|member| member == Some(Stance::Fault)) {
            return Some(Stance::Fault);
        }
        let first = members.next()??;
        members.all(|member| member == Some(first)).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn note(groups: &mut Groups, member: &str, stance: Stance) -> Option<(String, Stance)> {
        let change = groups.note(&name(member), stance)?;
        assert_eq!(change.number, 0);
        Some((change.subject.to_string(), change.stance))
    }

    #[test]
    fn a_group_follows_all_of_its_members() {
        use Stance::{Backup, Fault, Master, Stop};
        let (inside, outside, router) = (name("inside"), name("outside"), name("router"));
        let mut groups = Groups::default();
        groups.set([(&inside, &router), (&outside, &router)].into_iter());
        for (member, stance, expected) in [
            ("inside", Backup, None),
            ("outside", Backup, Some(Backup)),
            ("alone", Master, None),
            ("inside", Master, None),
            ("outside", Master, Some(Master)),
            ("outside", Fault, Some(Fault)),
            ("inside", Fault, None),
            ("outside", Backup, None),
            ("inside", Backup, Some(Backup)),
            // It was backup already: nothing new.
            ("inside", Master, None),
            ("inside", Backup, None),
            ("inside", Stop, None),
            ("outside", Stop, Some(Stop)),
        ] {
            let expected = expected.map(|stance| ("VRRP group router".to_owned(), stance));
            assert_eq!(note(&mut groups, member, stance), expected, "{member} {stance:?}");
        }
    }

    #[test]
    fn what_is_known_outlives_a_reload() {
        let (inside, outside, router) = (name("inside"), name("outside"), name("router"));
        let mut groups = Groups::default();
        groups.set([(&inside, &router), (&outside, &router)].into_iter());
        note(&mut groups, "inside", Stance::Master);
        assert!(note(&mut groups, "outside", Stance::Master).is_some());
        groups.set([(&inside, &router), (&outside, &router)].into_iter());
        assert_eq!(note(&mut groups, "inside", Stance::Master), None);
        let expected = Some(("VRRP group router".to_owned(), Stance::Fault));
        assert_eq!(note(&mut groups, "outside", Stance::Fault), expected);
        groups.set([].into_iter());
        assert_eq!(note(&mut groups, "outside", Stance::Master), None);
    }
}
