//! Marks: of which services packets go on to this host.

use std::net::IpAddr;

use crate::model::{Config, Name, Service};

/// True where packets of a service with a mark may go on to this host: it is one of its real servers (`local`), or
/// they come out of tunnels that end here.
#[must_use]
pub fn carries_mark(
    config: &Config,
    service: &Service,
    local: impl Fn(&Name, IpAddr) -> bool,
) -> bool {
    let pool = config.pool(service.pool.as_str());
    let here =
        || pool.is_some_and(|pool| pool.everyone().any(|server| local(&pool.name, server.address)));
    service.mark.is_some() && (!config.node.decapsulate.is_empty() || here())
}

/// True where a service is such a one.
pub(super) fn any(config: &Config, local: impl Fn(&Name, IpAddr) -> bool) -> bool {
    config.services.iter().any(|service| carries_mark(config, service, &local))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::config;

    const SERVICES: &str = r#"
[[pool]]
name = "one"
servers = [{ name = "r1", address = "10.0.1.1" }, { name = "r2", address = "10.0.1.2" }]
[[pool]]
name = "two"
servers = [{ name = "r3", address = "10.0.1.3" }]
[[service]]
name = "marked"
address = "10.0.0.1"
ports = ["tcp/80"]
mark = 80
pool = "one"
[[service]]
name = "plain"
address = "10.0.0.2"
ports = ["tcp/80"]
pool = "one"
[[service]]
name = "elsewhere"
address = "10.0.0.3"
ports = ["tcp/80"]
mark = 81
pool = "two"
"#;

    #[test]
    fn of_services_with_a_mark_that_this_host_serves() {
        let mut config = config(SERVICES);
        let carry = |config: &Config, here: &str| {
            let local = |_: &Name, address: IpAddr| address.to_string() == here;
            let services = config.services.iter();
            let carry: Vec<_> = services.map(|one| carries_mark(config, one, local)).collect();
            assert_eq!(any(config, local), carry.contains(&true));
            carry
        };
        assert_eq!(carry(&config, "10.0.1.9"), [false, false, false]);
        assert_eq!(carry(&config, "10.0.1.2"), [true, false, false]);
        assert_eq!(carry(&config, "10.0.1.3"), [false, false, true]);
        config.node.decapsulate = vec!["10.8.8.51".parse().unwrap()];
        assert_eq!(carry(&config, "10.0.1.9"), [true, false, true]);
    }
}
