//! Checks through VIPs: which connections the kernel translates (`lb_common::through`).

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use aya::maps::{HashMap, MapData, MapError};
use lb_common::abi::{Address, ThroughKey, Turn, Way};

use super::DataPlane;

/// A connection of a check: for this host with a real server, for the real server with a client of the VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// IP protocol number: TCP or UDP.
    pub protocol: u8,
    /// This host's end.
    pub own: SocketAddr,
    /// The real server's own address, of the same family, and the port of the service.
    pub real: SocketAddr,
    /// The VIP.
    pub vip: IpAddr,
    /// This host's address in the VIP's family, where that is another one; else that of `own`.
    pub client: IpAddr,
    /// The tunnel that its packets go in to the real server.
    pub tunnel: Option<Outer>,
}

/// What is put around a packet to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// Where the tunnel begins, and ends: of one family.
    pub ends: [IpAddr; 2],
    /// UDP port of GUE; 0 for IP in IP.
    pub port: u16,
}

/// `BPF_NOEXIST`: the entry of another connection is left alone.
const NEW: u64 = 1;

/// The table of these connections.
#[derive(Clone, Debug)]
pub struct Through(Arc<Mutex<HashMap<MapData, ThroughKey, Turn>>>);

/// A connection is translated for as long as this lives.
#[derive(Debug)]
pub struct Open {
    through: Through,
    passage: Passage,
}

impl Through {
    pub(super) fn new(map: HashMap<MapData, ThroughKey, Turn>) -> Self {
        Self(Arc::new(Mutex::new(map)))
    }

    /// Translates a connection from now on.
    ///
    /// # Errors
    /// The kernel's: there are too many, or one with the same ends.
    pub fn open(&self, passage: Passage) -> Result<Open, MapError> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [there, back] = passage.entries();
        map.insert(there.0, there.1, NEW)?;
        if let Err(error) = map.insert(back.0, back.1, NEW) {
            map.remove(&there.0)?;
            return Err(error);
        }
        drop(map);
        Ok(Open { through: self.clone(), passage })
    }

    /// Translates nothing: what an agent before this one has left.
    ///
    /// # Errors
    /// The kernel's.
    pub fn clear(&self) -> Result<(), MapError> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<ThroughKey> = map.keys().collect::<Result<_, _>>()?;
        all.iter().try_for_each(|key| map.remove(key))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut map = self.through.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in self.passage.entries() {
            // What is not there any more needs no removing.
            _ = map.remove(&key);
        }
    }
}

impl Passage {
    /// What stands in the table for it, and what takes the other end's place.
    fn entries(&self) -> [(ThroughKey, Turn); 2] {
        let end = |address: IpAddr, port: u16| {
            (Address::from(address).halves(), u16::from_ne_bytes(port.to_be_bytes()))
        };
        let key = |way, own, other| {
            let (own, other) = (end(own, self.own.port()), end(other, self.real.port()));
            ThroughKey::new(way, self.protocol, own, other)
        };
        let plain = |own: IpAddr, other: IpAddr| Turn {
            own: own.into(),
            other: other.into(),
            ..Turn::default()
        };
        let there = plain(self.client, self.vip);
        let there = self.tunnel.map_or(there, |Outer { ends: [local, remote], port }| Turn {
            local: local.into(),
            remote: remote.into(),
            port,
            around: if remote.is_ipv4() { Turn::IN_V4 } else { Turn::IN_V6 },
            ..there
        });
        let (own, real) = (self.own.ip(), self.real.ip());
        [(key(Way::Out, own, real), there), (key(Way::In, self.client, self.vip), plain(own, real))]
    }
}

impl DataPlane {
    /// The connections of checks that go through VIPs.
    #[must_use]
    pub fn through(&self) -> Through {
        self.maps.through.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_two_entries() {
        let passage = Passage {
            protocol: 6,
            own: "10.8.8.41:40000".parse().unwrap(),
            real: "10.8.8.43:80".parse().unwrap(),
            vip: "10.8.8.40".parse().unwrap(),
            client: "10.8.8.41".parse().unwrap(),
            tunnel: None,
        };
        let [(out, to), (back, from)] = passage.entries();
        assert_eq!((out.other.to_ip(), to.other.to_ip()), (passage.real.ip(), passage.vip));
        assert_eq!((to.own.to_ip(), to.around), (passage.own.ip(), Turn::PLAIN));
        assert_eq!((back.other.to_ip(), from.other.to_ip()), (passage.vip, passage.real.ip()));
        assert_eq!(out.ports.map(u16::from_be), [40_000, 80]);
        assert_eq!((out.own, out.ports, out.protocol), (back.own, back.ports, back.protocol));
        assert_ne!(out.way, back.way);
    }

    #[test]
    fn a_tunnel_to_a_vip_of_the_other_family() {
        let [own, real, vip, client] = ["10.8.8.41", "10.8.8.43", "fd00::40", "fd00::41"]
            .map(|text| text.parse::<IpAddr>().unwrap());
        let passage = Passage {
            protocol: 17,
            own: (own, 40_000).into(),
            real: (real, 53).into(),
            vip,
            client,
            tunnel: Some(Outer { ends: ["172.16.0.1".parse().unwrap(), real], port: 6_080 }),
        };
        let [(out, to), (back, from)] = passage.entries();
        assert_eq!([out.own, out.other].map(Address::to_ip), [own, real]);
        assert_eq!([to.own, to.other, to.remote].map(Address::to_ip), [client, vip, real]);
        assert_eq!((to.around, to.port), (Turn::IN_V4, 6_080));
        assert_eq!([back.own, back.other].map(Address::to_ip), [client, vip]);
        assert_eq!([from.own, from.other].map(Address::to_ip), [own, real]);
        assert_eq!(from.around, Turn::PLAIN, "the answer comes plain");
    }
}
