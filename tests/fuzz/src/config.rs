//! The configuration that is fuzzed: the standard one of the packet tests, QUIC, tunnels and their ends.

use crate::family::{FAMILIES, Family, pool, service, service_with, standard};

/// Last part of the VIP of `quic` (udp/443).
pub(crate) const QUIC: u16 = 0x43;
/// Of the VIPs whose packets go into a tunnel of IPv4, of IPv6, and of UDP.
pub(crate) const TUNNELS: [u16; 3] = [0x60, 0x61, 0x62];
/// Of the address at which tunnels end.
pub(crate) const END: u16 = 0x70;

/// A host that may send tunnels; nobody else may.
pub(crate) const fn sender(family: Family) -> &'static str {
    match family {
        Family::V4 => "172.16.0.7",
        Family::V6 => "fd00:16::7",
    }
}

/// All of it.
pub(crate) fn config() -> String {
    let [end4, end6] = FAMILIES.map(|family| family.vip(END));
    let node = format!(
        "tunnel_source = \"172.16.0.0/16\"\ntunnel_source6 = \"fd00:16::/64\"\n\
         decapsulate = [\"{end4}\", \"{end6}\"]\n\
         decapsulate_from = [\"{}/32\", \"{}/128\"]\n",
        sender(Family::V4),
        sender(Family::V6),
    );
    let services =
        FAMILIES.map(|family| service(family, "quic", QUIC, &["udp/443"], "web") + "quic = true\n");
    let two = &[(1, 1), (2, 1)];
    let pools = FAMILIES.map(|family| {
        pool(family, "ip", two, "tunnel = { type = \"ip\" }")
            + &pool(family, "gue", two, "tunnel = { type = \"gue\", port = 6081 }")
    });
    let tunnels = FAMILIES.map(|family| {
        let gue = family.name("gue");
        let names = ["ip4", "ip6", gue.as_str()];
        let of = |(last, pool): (u16, &str)| {
            service_with(
                &format!("{pool}-of-{family}"),
                family.vip(last),
                &["tcp/80", "udp/53"],
                "tunnel",
                pool,
            )
        };
        TUNNELS.into_iter().zip(names).map(of).collect::<String>()
    });
    [node, standard(), services.concat(), pools.concat(), tunnels.concat()].concat()
}
