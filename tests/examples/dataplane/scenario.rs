//! What is measured: configurations, and the traffic for each.

use std::net::IpAddr;

/// One line of the table.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) services: u32,
    pub(crate) reals: u32,
    /// Services that the traffic goes to: the first ones.
    pub(crate) busy: u32,
    pub(crate) flows: u32,
    /// Real servers that are drained before the measurement: their slots are in transition.
    pub(crate) drained: u32,
    /// Every flow has been seen since, twice: its note is there, if it has one.
    pub(crate) noted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// All lines, in the order in which they are printed.
pub(crate) fn all() -> Vec<Scenario> {
    let plain = |family, flows| Scenario {
        name: "steady",
        family,
        services: 1,
        reals: 100,
        busy: 1,
        flows,
        drained: 0,
        noted: false,
    };
    let mut all = Vec::new();
    for family in [Family::V4, Family::V6] {
        all.extend([1, 1_000, 100_000, 1_000_000].map(|flows| plain(family, flows)));
    }
    let million = || plain(Family::V4, 1_000_000);
    all.extend([
        Scenario { name: "4,096 real servers", reals: 4_096, ..million() },
        Scenario { name: "1,000 services, one busy", services: 1_000, reals: 10, ..million() },
        Scenario {
            name: "1,000 services, all busy",
            services: 1_000,
            reals: 10,
            busy: 1_000,
            ..million()
        },
    ]);
    all.extend([1_000, 10_000, 100_000].map(|flows| Scenario {
        name: "10 % in transition",
        drained: 10,
        noted: true,
        ..plain(Family::V4, flows)
    }));
    all.extend([Scenario {
        name: "the same, being noted",
        drained: 10,
        ..plain(Family::V4, 100_000)
    }]);
    all
}

impl Scenario {
    /// The configuration: every service with a pool, and so a ring, of its own.
    pub(crate) fn config(&self) -> String {
        let mut text = format!(
            "[limits]\nservices = 4096\nreals = {}\ncounters = {}\n",
            (self.services * self.reals.next_power_of_two().max(16))
                .next_power_of_two()
                .max(16_384),
            (self.services * self.reals.next_power_of_two().max(16))
                .next_power_of_two()
                .max(65_536),
        );
        for service in 0..self.services {
            let ring = if self.services == 1 { "ring_size = 65537\n" } else { "" };
            text += &format!("[[pool]]\nname = \"pool{service}\"\n{ring}servers = [\n");
            for real in 0..self.reals {
                let address = self.address(real + 1, true);
                text += &format!("  {{ name = \"real{real}\", address = \"{address}\" }},\n");
            }
            text += &format!(
                "]\n[[service]]\nname = \"service{service}\"\naddress = \"{}\"\nports = [\"tcp/80\"]\n\
                 pool = \"pool{service}\"\n",
                self.vip(service)
            );
        }
        text
    }

    /// The address of a service.
    pub(crate) fn vip(&self, service: u32) -> IpAddr {
        self.address(service + 1, false)
    }

    /// The addresses that the traffic goes to.
    pub(crate) fn busy_vips(&self) -> Vec<IpAddr> {
        (0..self.busy).map(|service| self.vip(service)).collect()
    }

    fn address(&self, n: u32, real: bool) -> IpAddr {
        let net = u32::from(real);
        match self.family {
            Family::V4 => IpAddr::from((0x0a08_0000 + (net << 16) + n).to_be_bytes()),
            Family::V6 => IpAddr::from(
                ((0xfd00_0008_u128 << 96) | (u128::from(net) << 64) | u128::from(n)).to_be_bytes(),
            ),
        }
    }
}
