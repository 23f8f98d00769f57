//! Configurations for the tests of this folder.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    config,
    model::{Config, Name},
};

/// A configuration, without its `[node]`.
pub(crate) fn config(text: &str) -> Config {
    let text = format!("[node]\nname = \"director\"\ninterface = \"eth0\"\n{text}");
    match config::parse("sample.toml", &text) {
        Ok(parsed) => parsed.config,
        Err(report) => panic!("{report:?}"),
    }
}

/// Pools with the numbers of their real servers, each used by the service of the same name.
pub(crate) fn pools(pools: &[(&str, &[u8])]) -> Config {
    let mut text = String::new();
    for (index, (name, servers)) in (1..).zip(pools) {
        let servers: String = servers.iter().map(|&number| server(number)).collect();
        text += &format!("[[pool]]\nname = \"{name}\"\nservers = [\n{servers}]\n");
        text += &format!("[[service]]\nname = \"{name}\"\naddress = \"10.0.0.{index}\"\n");
        text += &format!("ports = [\"tcp/80\"]\npool = \"{name}\"\n");
    }
    config(&text)
}

fn server(number: u8) -> String {
    format!("  {{ name = \"r{number}\", address = \"{}\" }},\n", real(number))
}

/// The address of a real server.
pub(crate) fn real(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 1, number).into()
}

/// A name.
pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}
