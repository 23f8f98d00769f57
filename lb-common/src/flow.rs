//! A flow: whom a packet is from, for which service, and what it says of the connection.

use crate::abi::{Address, FlowKey, Halves, Service};

/// What a segment means for the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Segment {
    /// SYN without ACK: a new connection.
    Syn,
    /// RST.
    Rst,
    /// FIN.
    Fin,
    /// Any other segment of a connection.
    Other,
    /// UDP.
    Datagram,
    /// UDP that begins a connection, where the port carries QUIC.
    Initial,
}

impl Segment {
    /// The segment of that number.
    #[inline(always)]
    pub(crate) const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Syn,
            1 => Self::Rst,
            2 => Self::Fin,
            4 => Self::Datagram,
            5 => Self::Initial,
            _ => Self::Other,
        }
    }

    /// What it means at a service: QUIC's packets are told apart as TCP's are, other datagrams are not.
    #[inline(always)]
    #[must_use]
    pub const fn at(self, service: &Service) -> Self {
        let quic = service.has(Service::QUIC);
        match self {
            Self::Initial if quic => Self::Syn,
            Self::Datagram if quic => Self::Other,
            Self::Initial => Self::Datagram,
            other => other,
        }
    }
}

/// A flow, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The client.
    pub client: Halves,
    /// The VIP, if it is one.
    pub vip: Halves,
    /// Source port and destination port, as they stand in a packet of the client.
    pub ports: u32,
    /// IP protocol number.
    pub protocol: u8,
    /// What the packet says of the connection.
    pub segment: Segment,
}

impl Flow {
    /// The service's port.
    #[inline(always)]
    #[must_use]
    pub const fn vip_port(&self) -> u16 {
        let p = self.ports.to_ne_bytes();
        u16::from_be_bytes([p[2], p[3]])
    }

    /// The flow that [`Flow::key`] came from; its segment is not known.
    #[must_use]
    pub const fn from_key(key: &FlowKey) -> Self {
        let ([a, b], [c, d]) = (key.client_port.to_be_bytes(), key.vip_port.to_be_bytes());
        Self {
            client: key.client.halves(),
            vip: key.vip.halves(),
            ports: u32::from_ne_bytes([a, b, c, d]),
            protocol: key.protocol.to_le_bytes()[0],
            segment: Segment::Other,
        }
    }

    /// The flow as the flow table knows it.
    #[inline(always)]
    #[must_use]
    pub const fn key(&self) -> FlowKey {
        FlowKey {
            client: Address::from_halves(self.client),
            vip: Address::from_halves(self.vip),
            client_port: self.client_port(),
            vip_port: self.vip_port(),
            protocol: self.protocol as u32,
        }
    }

    /// What stays together of it at a sticky service: the masked client with all its ports and protocols,
    /// or the flow itself where ports count.
    #[inline(always)]
    #[must_use]
    pub const fn sticky_key(&self, service: &Service) -> FlowKey {
        let Halves([high, low]) = self.client;
        let mask = service.source_mask;
        let all = service.port_mask();
        let masked = Self {
            client: Halves([high & u64::from_le(mask[0]), low & u64::from_le(mask[1])]),
            ports: self.ports & all,
            protocol: self.protocol & all.to_le_bytes()[0],
            ..*self
        };
        masked.key()
    }

    /// The client's port.
    #[inline(always)]
    #[must_use]
    pub const fn client_port(&self) -> u16 {
        let p = self.ports.to_ne_bytes();
        u16::from_be_bytes([p[0], p[1]])
    }
}
