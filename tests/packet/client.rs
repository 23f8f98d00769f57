//! Clients of the service `web`, and their connections.

use std::net::IpAddr;

use lb_common::{
    abi::{FlowKey, Note},
    verdict::Tables as _,
};

use crate::{
    director::Director,
    family::{Family, SINGLE},
    frames::{ACK, L4, SYN, frame},
};

pub(crate) const FIN: L4 = L4::Tcp(0x11);
pub(crate) const RST: L4 = L4::Tcp(0x04);

/// A client with one connection to the service `web`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    family: Family,
    number: u16,
}

/// A connection and the real server that it is at.
pub(crate) type Connection = (Client, IpAddr);

impl Client {
    pub(crate) const fn new(family: Family, number: u16) -> Self {
        Self { family, number }
    }

    /// A segment of its connection.
    pub(crate) fn segment(self, l4: L4) -> Vec<u8> {
        frame(self.socket(), self.vip(), l4)
    }

    /// Its address and port.
    pub(crate) fn socket(self) -> (IpAddr, u16) {
        self.family.client(self.number)
    }

    /// What it connects to.
    pub(crate) fn vip(self) -> (IpAddr, u16) {
        (self.family.vip(SINGLE), 80)
    }

    /// What is noted of its connection: confirmed, unconfirmed.
    pub(crate) fn notes(self, director: &Director) -> (Option<Note>, Option<Note>) {
        let ((client, client_port), (vip, vip_port)) = (self.socket(), self.vip());
        let key =
            FlowKey { client: client.into(), vip: vip.into(), client_port, vip_port, protocol: 6 };
        let tables = director.plane.data.tables();
        (tables.flow(&key), tables.new_flow(&key))
    }
}

impl Director {
    /// Where a segment of a client goes.
    pub(crate) fn takes(&mut self, client: Client, l4: L4) -> IpAddr {
        self.real(&client.segment(l4))
    }

    /// Opens a connection: SYN, then the client's ACK. Both reach the same real server.
    pub(crate) fn open(&mut self, client: Client) -> IpAddr {
        let real = self.takes(client, SYN);
        assert_eq!(self.takes(client, ACK), real, "the ACK of {client:?}");
        real
    }

    /// Opens the connections of several clients.
    pub(crate) fn open_all(
        &mut self,
        family: Family,
        numbers: std::ops::Range<u16>,
    ) -> Vec<Connection> {
        numbers
            .map(|number| {
                let client = Client::new(family, number);
                (client, self.open(client))
            })
            .collect()
    }

    /// Connections are where they were.
    pub(crate) fn assert_stay(&mut self, connections: &[Connection], when: &str) {
        for &(client, real) in connections {
            assert_eq!(self.takes(client, ACK), real, "{client:?}, {when}");
        }
    }

    /// The share of connections (in percent) that a real server has.
    pub(crate) fn share(connections: &[Connection], real: IpAddr) -> usize {
        connections.iter().filter(|(_, at)| *at == real).count() * 100 / connections.len()
    }
}
