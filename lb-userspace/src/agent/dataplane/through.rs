//! Checks through VIPs: which connections the kernel translates (`lb_common::through`).

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use aya::maps::{HashMap, MapData, MapError};
use lb_common::abi::{Address, ThroughKey, Way};

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
}

/// The table of these connections.
#[derive(Clone, Debug)]
pub struct Through(Arc<Mutex<HashMap<MapData, ThroughKey, Address>>>);

/// A connection is translated for as long as this lives.
#[derive(Debug)]
pub struct Open {
    through: Through,
    passage: Passage,
}

impl Through {
    pub(super) fn new(map: HashMap<MapData, ThroughKey, Address>) -> Self {
        Self(Arc::new(Mutex::new(map)))
    }

    /// Translates a connection from now on.
    ///
    /// # Errors
    /// The kernel's: there are too many.
    pub fn open(&self, passage: Passage) -> Result<Open, MapError> {
        let open = Open { through: self.clone(), passage };
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, other) in passage.entries() {
            map.insert(key, Address::from(other), 0)?;
        }
        drop(map);
        Ok(open)
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
    fn entries(&self) -> [(ThroughKey, IpAddr); 2] {
        let end = |address: IpAddr, port: u16| {
            (Address::from(address).halves(), u16::from_ne_bytes(port.to_be_bytes()))
        };
        let own = end(self.own.ip(), self.own.port());
        let key =
            |way, other| ThroughKey::new(way, self.protocol, own, end(other, self.real.port()));
        [(key(Way::Out, self.real.ip()), self.vip), (key(Way::In, self.vip), self.real.ip())]
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
        };
        let [(out, to), (back, from)] = passage.entries();
        assert_eq!((out.other.to_ip(), to), (passage.real.ip(), passage.vip));
        assert_eq!((back.other.to_ip(), from), (passage.vip, passage.real.ip()));
        assert_eq!(out.ports.map(u16::from_be), [40_000, 80]);
        assert_eq!((out.own, out.ports, out.protocol), (back.own, back.ports, back.protocol));
        assert_ne!(out.way, back.way);
    }
}
