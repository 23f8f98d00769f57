//! From what the file says to what data threads work with. It has been checked already: what is refused here all the same
//! is a mistake of this program.

use std::{collections::BTreeMap, num::NonZeroU8, sync::Arc};

use super::{
    census::Census,
    message::{Configuration, Members, Pool},
};
use crate::{
    access_log::Format,
    balance::{Algorithm, LoadFactor, Place, Redispatch, Retries, Server, Snapshot, Standing},
    http::{
        Limits,
        edit::{Forwarding, HeaderName, HeaderValue},
        rules::{Condition, Routes, Rule, Verdict, compile},
    },
    model::{self, AccessLog, Backups, Balance, HashOf, Name, PoolProxy, Redispatched},
    proxy::settings::{self, ClientTimeouts, Http, Key, Mode, PoolId, Service, Settings},
};

/// How the servers of each pool are chosen, for when they change.
#[derive(Debug, Default)]
pub(super) struct Algorithms(BTreeMap<Name, Algorithm>);

/// All of it. `threads` share the limits of clients.
///
/// # Errors
/// What cannot be made use of.
pub(super) fn settings(
    configuration: &Configuration,
    census: &Census,
    threads: usize,
) -> Result<(Settings, Algorithms), String> {
    let Configuration { seed, services, pools, .. } = configuration;
    let algorithms = Algorithms::of(pools);
    let index = |name: &Name| {
        let found = pools.iter().position(|pool| pool.members.pool == *name);
        found.map(PoolId).ok_or_else(|| format!("there is no pool {name}"))
    };
    let services = services.iter().map(|one| service(one, &index, threads));
    let pools = pools.iter().map(|one| pool(one, *seed, &algorithms, census));
    let settings = Settings {
        services: services.collect::<Result<_, _>>()?,
        pools: pools.collect::<Result<_, _>>()?,
    };
    Ok((settings, algorithms))
}

impl Algorithms {
    fn of(pools: &[Pool]) -> Self {
        let all = pools.iter().map(|pool| (pool.members.pool.clone(), algorithm(&pool.proxy)));
        Self(all.collect())
    }

    /// The members of a pool as data threads have them, with its cell; `None` where there is no such pool.
    pub(super) fn members(
        &self,
        members: &Members,
        census: &Census,
    ) -> Option<(u16, settings::Members)> {
        let algorithm = *self.0.get(&members.pool)?;
        let Place(cell) = census.pool(&members.pool)?;
        let (mut names, mut down) = (BTreeMap::new(), Vec::new());
        let servers = members.members.iter().filter_map(|member| {
            let place = census.server(&members.pool, &member.name, member.address)?;
            names.insert(place, Arc::from(member.name.as_str()));
            if matches!(member.standing, Standing::Down | Standing::Maintenance) {
                down.push(place);
            }
            Some(Server {
                place,
                address: member.address,
                weight: member.weight,
                ramp: member.ramp,
                // The agent has decided who of them is at work.
                backup: false,
                standing: member.standing,
                max_connections: member.max_connections,
            })
        });
        let snapshot = Snapshot::new(servers.collect(), algorithm, Backups::All);
        let (snapshot, names) = (Arc::new(snapshot), Arc::new(names));
        Some((cell, settings::Members { snapshot, names, down: down.into() }))
    }
}

fn pool(
    Pool { proxy, kills, members }: &Pool,
    seed: u64,
    algorithms: &Algorithms,
    census: &Census,
) -> Result<settings::Pool, String> {
    let name = &members.pool;
    let (cell, members) =
        algorithms.members(members, census).ok_or_else(|| format!("pool {name} is not counted"))?;
    let key = match &proxy.hash {
        HashOf::Source => Key::Source(seed),
        HashOf::Uri => Key::Uri { seed, with_query: false },
        HashOf::UriWithQuery => Key::Uri { seed, with_query: true },
        HashOf::Header(name) => {
            Key::Header(seed, HeaderName::new(name).map_err(|error| error.to_string())?)
        }
    };
    let redispatch = match proxy.redispatch {
        Redispatched::Off => Redispatch::Off,
        Redispatched::Last => Redispatch::Last,
        Redispatched::Every => Redispatch::Every(NonZeroU8::MIN),
    };
    Ok(settings::Pool {
        name: name.as_str().into(),
        cell,
        members,
        key,
        retries: Retries {
            most: proxy.retries,
            redispatch,
            connect_timeout: proxy.connect_timeout,
        },
        queue_timeout: proxy.queue_timeout,
        most_waiting: proxy.max_queue as usize,
        server_timeout: proxy.server_timeout,
        most_idle: proxy.max_idle as usize,
        idle_timeout: proxy.idle_timeout,
        sends_proxy: proxy.send_proxy,
        tls: None,
        kills: *kills,
        observe: proxy.observe,
        host: HeaderValue::new(name.as_str()).map_err(|error| error.to_string())?,
    })
}

fn algorithm(proxy: &PoolProxy) -> Algorithm {
    match proxy.balance {
        Balance::RoundRobin => Algorithm::RoundRobin,
        Balance::LeastConn => Algorithm::LeastConnections,
        Balance::Random => Algorithm::Random,
        Balance::First => Algorithm::First,
        Balance::Hash => Algorithm::Hashed { bound: proxy.load_factor.and_then(LoadFactor::new) },
    }
}

fn service(
    service: &model::Service,
    pool: &impl Fn(&Name) -> Result<PoolId, String>,
    threads: usize,
) -> Result<Service, String> {
    let name = &service.name;
    let proxy =
        service.proxy.as_ref().ok_or_else(|| format!("{name} is no service of the proxy"))?;
    let mode = match &proxy.http {
        Some(http) => {
            Mode::Http(Box::new(self::http(http, pool).map_err(|e| format!("{name}: {e}"))?))
        }
        None => Mode::Tcp,
    };
    let timeouts = &proxy.timeouts;
    let most = usize::try_from(proxy.max_connections.get()).unwrap_or(usize::MAX);
    Ok(Service {
        name: name.as_str().into(),
        pool: pool(&service.pool)?,
        most_connections: most.div_ceil(threads.max(1)),
        accepts_proxy: proxy.accept_proxy,
        tls: None,
        timeouts: ClientTimeouts {
            request: timeouts.http_request,
            keep_alive: timeouts.http_keep_alive,
            client: timeouts.client,
            tunnel: timeouts.tunnel,
        },
        mode,
        log: proxy.log.as_ref().map(log).transpose()?,
    })
}

fn http(
    http: &model::HttpService,
    pool: &impl Fn(&Name) -> Result<PoolId, String>,
) -> Result<Http, String> {
    let route = |route: &model::Route| -> Result<_, String> {
        // Of what is no pool this is not asked.
        let to = route.pool().map_or(Ok(PoolId(0)), pool)?;
        let when = Condition::of(&route.when).map_err(|error| error.to_string())?;
        Ok(Rule { when, then: Verdict::of(route, to).map_err(|error| error.to_string())? })
    };
    let edits = |changes: &[_]| compile::header_edits(changes).map_err(|error| error.to_string());
    let host = http.host.as_deref().map(compile::own_host).transpose();
    Ok(Http {
        limits: Limits::default(),
        largest_body: http.max_body,
        routes: Routes::new(http.routes.iter().map(route).collect::<Result<_, _>>()?),
        forwarding: Forwarding::from(&http.forwarded),
        request_headers: edits(&http.request_headers)?,
        response_headers: edits(&http.response_headers)?,
        host: host.map_err(|error| error.to_string())?,
    })
}

fn log(log: &AccessLog) -> Result<Format, String> {
    match log {
        AccessLog::Http => Ok(Format::httplog()),
        AccessLog::Tcp => Ok(Format::tcplog()),
        AccessLog::Custom(format) => Format::parse(format).map_err(|error| error.to_string()),
    }
}
