//! What operators have said of clients at run time, over the lists of the configuration. It survives
//! restarts.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::model::{Config, GuardAction, Name};

/// The operator's lists: for the same prefix of the same list, they count more than the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardLists {
    /// The list of every service with a guard: asked where a service's own list says nothing.
    pub every: BTreeMap<IpNet, GuardAction>,
    /// The lists of single services.
    pub services: BTreeMap<Name, BTreeMap<IpNet, GuardAction>>,
}

/// Who has put a prefix on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListOrigin {
    /// The configuration.
    Configuration,
    /// An operator, at run time.
    Operator,
}

/// Everything that a list says: each prefix with what becomes of it, and on whose word.
pub type WholeList = BTreeMap<IpNet, (GuardAction, ListOrigin)>;

/// Why lists were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// No such service.
    #[error("there is no service `{0}`; the services are: {1}")]
    NoService(Name, String),
    /// A service that looks at no list.
    #[error(
        "service `{0}` has no guard: add `guard = {{}}` to it in the configuration, then `lb reload`"
    )]
    NoGuard(Name),
    /// Not an operator's word.
    #[error("{0} was not set at run time {1}: `lb guard list` shows what was")]
    NotListed(IpNet, String),
    /// The configuration's word.
    #[error(
        "{0} stands in the configuration of service `{1}`: take it out there, then `lb reload`"
    )]
    Configured(IpNet, Name),
    /// No room.
    #[error(
        "{wanted} prefixes do not fit in the guard lists, which have room for {limit}: raise \
         `guard_prefixes` under [limits] and restart, or take some back with `lb guard remove`"
    )]
    Full {
        /// All that are wanted.
        wanted: usize,
        /// The limit.
        limit: u32,
    },
}

impl GuardLists {
    /// Puts prefixes on a list, `None` for that of every service with a guard.
    ///
    /// # Errors
    /// The service is unknown or has no guard, or the lists have no room.
    pub fn set(
        &mut self,
        config: &Config,
        service: Option<&Name>,
        action: GuardAction,
        prefixes: &[IpNet],
    ) -> Result<(), GuardError> {
        let list = match service {
            Some(name) => {
                Self::check_service(config, name)?;
                self.services.entry(name.clone()).or_default()
            }
            None => &mut self.every,
        };
        list.extend(prefixes.iter().map(|&prefix| (prefix, action)));
        self.check_room(config)
    }

    /// Takes back what was said of prefixes.
    ///
    /// # Errors
    /// Something that no operator has said, or an unknown service.
    pub fn remove(
        &mut self,
        config: &Config,
        service: Option<&Name>,
        prefixes: &[IpNet],
    ) -> Result<(), GuardError> {
        let list = match service {
            Some(name) if !self.services.contains_key(name) => {
                Self::check_service(config, name)?;
                &mut BTreeMap::new()
            }
            Some(name) => self.services.entry(name.clone()).or_default(),
            None => &mut self.every,
        };
        for prefix in prefixes {
            if list.remove(prefix).is_none() {
                return Err(not_listed(config, service, *prefix));
            }
        }
        self.services.retain(|_, list| !list.is_empty());
        Ok(())
    }

    /// Takes back everything, or everything about one service. Returns how many prefixes that were.
    ///
    /// # Errors
    /// An unknown service.
    pub fn clear(&mut self, config: &Config, service: Option<&Name>) -> Result<usize, GuardError> {
        let Some(name) = service else {
            let count = self.every.len() + self.services.values().map(BTreeMap::len).sum::<usize>();
            *self = Self::default();
            return Ok(count);
        };
        match self.services.remove(name) {
            Some(list) => Ok(list.len()),
            None => Self::check_service(config, name).map(|()| 0),
        }
    }

    /// The lists in force: that of every service first (`None`), then those of services with a guard.
    #[must_use]
    pub fn whole(&self, config: &Config) -> Vec<(Option<Name>, WholeList)> {
        let guarded = config.services.iter().filter_map(|service| {
            let guard = service.guard.as_ref()?;
            let configured = [(&guard.allow, GuardAction::Allow), (&guard.deny, GuardAction::Deny)];
            let configured = configured.into_iter().flat_map(|(prefixes, action)| {
                prefixes.iter().map(move |prefix| (*prefix, (action, ListOrigin::Configuration)))
            });
            let said = self.services.get(&service.name).into_iter().flat_map(operators);
            Some((Some(service.name.clone()), configured.chain(said).collect()))
        });
        [(None, operators(&self.every).collect())].into_iter().chain(guarded).collect()
    }

    /// Makes sure that the lists in force fit into their map.
    ///
    /// # Errors
    /// [`GuardError::Full`].
    pub fn check_room(&self, config: &Config) -> Result<(), GuardError> {
        let room = |(_, list): (_, WholeList)| list.len() + usize::from(shadows_ipv4(&list));
        let wanted = self.whole(config).into_iter().map(room).sum();
        let limit = config.limits.guard_prefixes;
        let fits = u32::try_from(wanted).is_ok_and(|wanted| wanted <= limit);
        if fits { Ok(()) } else { Err(GuardError::Full { wanted, limit }) }
    }

    /// Makes sure that a service looks at a list.
    ///
    /// # Errors
    /// [`GuardError::NoService`], [`GuardError::NoGuard`].
    pub fn check_service(config: &Config, name: &Name) -> Result<(), GuardError> {
        match config.services.iter().find(|service| service.name == *name) {
            Some(service) if service.guard.is_some() => Ok(()),
            Some(_) => Err(GuardError::NoGuard(name.clone())),
            None => {
                let names: Vec<_> = config.services.iter().map(|s| s.name.as_str()).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                Err(GuardError::NoService(name.clone(), names))
            }
        }
    }
}

fn operators(
    list: &BTreeMap<IpNet, GuardAction>,
) -> impl Iterator<Item = (IpNet, (GuardAction, ListOrigin))> {
    list.iter().map(|(&prefix, &action)| (prefix, (action, ListOrigin::Operator)))
}

/// True where an IPv6 prefix as short as `::/0` would speak of IPv4 clients too, whose addresses the maps
/// hold as `::ffff:a.b.c.d`, and nothing says what becomes of those.
pub(super) fn shadows_ipv4(list: &WholeList) -> bool {
    let mapped = Ipv6Net::from(std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
    let covers = |prefix: &IpNet| matches!(prefix, IpNet::V6(v6) if v6.prefix_len() <= 96 && v6.contains(&mapped));
    // In the order of the list, the short prefixes of IPv6 need not be the first.
    list.keys().any(covers) && !list.contains_key(&IpNet::V4(ipnet::Ipv4Net::default()))
}

fn not_listed(config: &Config, service: Option<&Name>, prefix: IpNet) -> GuardError {
    let Some(name) = service else {
        return GuardError::NotListed(prefix, "for every service".to_owned());
    };
    let guard = config.services.iter().find(|s| s.name == *name).and_then(|s| s.guard.as_ref());
    if guard.is_some_and(|guard| guard.allow.contains(&prefix) || guard.deny.contains(&prefix)) {
        return GuardError::Configured(prefix, name.clone());
    }
    GuardError::NotListed(prefix, format!("for service `{name}`"))
}

#[cfg(test)]
#[path = "guards_test.rs"]
mod tests;
