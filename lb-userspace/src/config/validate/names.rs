//! Names: each is given once, and what is referred to exists.

use std::collections::HashMap;

use toml::Spanned;

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, ServiceDraft},
        nearest::{did_you_mean, list},
    },
    model::Name,
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    unique(sink, "instances", draft.vrrp.iter().map(|one| (&one.name, &one.path)));
    unique(sink, "trackers", draft.trackers.iter().map(|one| (&one.name, &one.path)));
    unique(sink, "pools", draft.pools.iter().map(|pool| (&pool.name, &pool.path)));
    unique(sink, "services", draft.services.iter().map(|service| (&service.name, &service.path)));
    for pool in &draft.pools {
        let what = format!("servers of {}", pool.title());
        let servers = pool.servers.iter().chain(&pool.sorry);
        unique(sink, &what, servers.map(|server| (&server.name, &server.path)));
    }
    pools_exist(draft, sink);
}

fn unique<'a>(
    sink: &mut Sink,
    what: &str,
    names: impl Iterator<Item = (&'a Option<Spanned<Name>>, &'a String)>,
) {
    let mut seen: HashMap<&Name, &Spanned<Name>> = HashMap::new();
    for (name, path) in names {
        let Some(name) = name else { continue };
        match seen.get(name.get_ref()) {
            Some(first) => {
                let message = format!("two {what} have the name `{}`", name.get_ref());
                sink.error(name.span(), format!("{path}.name"), message)
                    .related(first.span(), "first here");
            }
            None => {
                seen.insert(name.get_ref(), name);
            }
        }
    }
}

fn pools_exist(draft: &Draft, sink: &mut Sink) {
    let names = || draft.pools.iter().filter_map(|pool| pool.name.as_ref());
    let known = || names().map(|name| name.get_ref().as_str());
    for (wanted, path) in draft.services.iter().flat_map(ServiceDraft::pools) {
        if names().any(|name| name.get_ref() == wanted.get_ref()) {
            continue;
        }
        let help = did_you_mean(wanted.get_ref().as_str(), known()).unwrap_or_else(|| {
            if draft.pools.is_empty() {
                "describe the pool and its servers in a [[pool]]".to_owned()
            } else {
                format!("the pools are {}", list(known()))
            }
        });
        let message = format!("there is no pool `{}`", wanted.get_ref());
        sink.error(wanted.span(), path, message).help(help);
    }
}
