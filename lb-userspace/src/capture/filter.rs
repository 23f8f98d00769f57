//! From the question of `lb capture` to the filter that XDP reads.

use ipnet::IpNet;
use lb_common::abi::{Address, Filter};

use crate::{
    api::NewCapture,
    model::{Config, Name},
    plan::Numbering,
};

/// Bits in front of an IPv4 address that is written as an IPv6 one.
const MAPPED: u32 = 96;

/// Why there is no such capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such virtual service.
    #[error("no service `{service}`; there are: {known}")]
    Service {
        /// What was asked for.
        service: Name,
        /// What there is.
        known: String,
    },
    /// A real server of no service in particular.
    #[error("real server `{0}` of which service? Name it, too: --service NAME")]
    OfWhich(Name),
    /// No such real server.
    #[error("service `{service}` has no real server `{real}`; there are: {known}")]
    Real {
        /// The service.
        service: Name,
        /// What was asked for.
        real: Name,
        /// What there is.
        known: String,
    },
    /// A dropped packet goes to no real server.
    #[error("a dropped packet has no real server: leave out --real or --drops")]
    DropsOfReal,
    /// What is not in the maps yet.
    #[error("`{0}` is not in the maps yet: see `lb status`")]
    NotYet(Name),
}

/// The filter for what is asked; `config` is the one in force.
///
/// # Errors
/// [`FilterError`]: something it names is not there.
pub fn filter(
    asked: &NewCapture,
    config: &Config,
    numbering: &Numbering,
) -> Result<Filter, FilterError> {
    let (client, client_mask) = asked.client.map_or(([0; 2], [0; 2]), lanes);
    let mut filter = Filter {
        client,
        client_mask,
        counters: 0,
        real: 0,
        drops: u32::from(asked.drops),
        snap: asked.snap.bytes(),
    };
    let Some(name) = &asked.service else {
        return asked.real.clone().map_or(Ok(filter), |real| Err(FilterError::OfWhich(real)));
    };
    let service =
        config.services.iter().find(|service| service.name == *name).ok_or_else(|| {
            let known = list(config.services.iter().map(|service| &service.name).collect());
            FilterError::Service { service: name.clone(), known }
        })?;
    let not_yet = |name: &Name| FilterError::NotYet(name.clone());
    let numbers = numbering.services.get(name).ok_or_else(|| not_yet(name))?;
    filter.counters = numbers.counters.start + 1;
    let Some(real) = &asked.real else { return Ok(filter) };
    if asked.drops {
        return Err(FilterError::DropsOfReal);
    }
    let servers = config.pool(service.pool.as_str()).map_or(&[][..], |pool| &pool.servers);
    let server = servers.iter().find(|server| server.name == *real).ok_or_else(|| {
        let known = list(servers.iter().map(|server| &server.name).collect());
        FilterError::Real { service: name.clone(), real: real.clone(), known }
    })?;
    let members = numbering.pools.get(&service.pool).map(|pool| &pool.members);
    let number = members.and_then(|members| members.get(&server.address));
    filter.real = u32::from(*number.ok_or_else(|| not_yet(real))?) + 1;
    Ok(filter)
}

/// A network and the bits of it that count, as XDP compares them with a client's address.
fn lanes(network: IpNet) -> ([u64; 2], [u64; 2]) {
    let length = match network {
        IpNet::V4(v4) => MAPPED + u32::from(v4.prefix_len()),
        IpNet::V6(v6) => u32::from(v6.prefix_len()),
    };
    let mask = u128::MAX.checked_shl(u128::BITS - length).unwrap_or(0);
    let mask = Address { bytes: mask.to_be_bytes() }.halves().lanes();
    let [high, low] = Address::from(network.addr()).halves().lanes();
    ([high & mask[0], low & mask[1]], mask)
}

fn list(names: Vec<&Name>) -> String {
    names.into_iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "filter_test.rs"]
mod tests;
