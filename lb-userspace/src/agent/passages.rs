//! The sockets of checks that go through VIPs. For the kernel of this host such a socket is connected to the real
//! server's own address; on the wire it goes to the VIP (`lb_common::through`).

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use lb_common::{abi::Address, flow_hash::split_mix};
use nix::libc::{IPPROTO_TCP, IPPROTO_UDP};
use socket2::Socket;

use super::dataplane::{Outer, Passage, Through};
use crate::{
    model::{Node, Tunnel},
    plan::{self, OwnAddresses},
    probe::{Door, Opened, Opener, Transport},
};

/// Bytes of a segment in a tunnel: it fits with all headers whatever the path carries ([`Tunnel::SMALLEST_MTU`]).
const MSS: u32 = 440;
/// Hops that a packet may take. The real server is next to the director, or at the end of a tunnel whose outer header
/// has hops of its own; one that lacks the VIP, and forwards packets,
/// must not send it back to the director, which would have another real server answer.
const HOPS: u32 = 1;

/// Opens them, once there is a data plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Passages(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    through: Option<Through>,
    here: Option<Here>,
}

/// What is to be known of this host.
#[derive(Debug)]
pub(super) struct Here {
    /// No addresses to ask from.
    pub(super) vips: BTreeSet<IpAddr>,
    /// Those to ask VIPs from that are not of the real server's family.
    pub(super) own: OwnAddresses,
    /// Where tunnels begin.
    pub(super) node: Node,
}

/// Why one was not opened.
#[derive(Debug, thiserror::Error)]
enum PassageError {
    #[error("there is no data plane yet")]
    TooEarly,
    #[error("this host would ask from the VIP {0}: name a `source` for the check")]
    FromVip(IpAddr),
    #[error("pings go to a real server's own address only")]
    Ping,
    #[error("this host has no address of the VIP's family on its first interface")]
    NoClient,
    #[error("cannot {task}: {source}")]
    Socket { task: String, source: io::Error },
    #[error("{0}")]
    Table(#[from] aya::maps::MapError),
}

impl Passages {
    /// From now on they can be opened; those of an earlier agent are closed.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn begin(&self, through: Through, here: Here) -> Result<(), aya::maps::MapError> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.through.is_none() {
            through.clear()?;
            inner.through = Some(through);
        }
        inner.here = Some(here);
        Ok(())
    }

    fn open_now(&self, door: &Door) -> Result<Opened, PassageError> {
        let Some(path) = door.path else {
            let socket = door.open_plainly();
            let socket = socket.map_err(|(task, source)| PassageError::Socket { task, source })?;
            return Ok(Opened { socket, passage: Box::new(()) });
        };
        let protocol = match door.transport {
            Transport::Tcp => IPPROTO_TCP,
            Transport::Udp => IPPROTO_UDP,
            Transport::Ping => return Err(PassageError::Ping),
        };
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let through = inner.through.clone().ok_or(PassageError::TooEarly)?;
        let here = inner.here.as_ref().ok_or(PassageError::TooEarly)?;
        let own = own_address(door)?;
        let client = here.client(own, path.vip)?;
        let socket = led(door, door.transport)?;
        // With its port: nobody else has the two together while the passage is open.
        let bound = socket.bind(&SocketAddr::new(own, 0).into());
        bound.map_err(because(|| format!("ask from {own}")))?;
        let hops =
            if own.is_ipv4() { socket.set_ttl_v4(HOPS) } else { socket.set_unicast_hops_v6(HOPS) };
        hops.map_err(because(|| "limit the hops".to_owned()))?;
        if path.tunnel.is_some() && matches!(door.transport, Transport::Tcp) {
            socket.set_tcp_mss(MSS).map_err(because(|| "limit its segments".to_owned()))?;
        }
        let own = address_of(&socket)?;
        let tunnel = path.tunnel.map(|tunnel| here.outer(&tunnel, door.real.ip(), own.port()));
        drop(inner);
        let protocol = u8::try_from(protocol).unwrap_or_default();
        let (real, vip) = (door.real, path.vip);
        let passage = through.open(Passage { protocol, own, real, vip, client, tunnel })?;
        Ok(Opened { socket, passage: Box::new(passage) })
    }
}

impl Here {
    /// The address that a real server sees a VIP asked from.
    fn client(&self, own: IpAddr, vip: IpAddr) -> Result<IpAddr, PassageError> {
        if self.vips.contains(&own) {
            return Err(PassageError::FromVip(own));
        }
        let other = match (own, vip) {
            (IpAddr::V4(_), IpAddr::V6(_)) => self.own.ipv6.map(IpAddr::V6),
            (IpAddr::V6(_), IpAddr::V4(_)) => self.own.ipv4.map(IpAddr::V4),
            _ => Some(own),
        };
        other.ok_or(PassageError::NoClient)
    }

    /// A tunnel as the services' packets have it; the port stands for what they take from their flow.
    fn outer(&self, tunnel: &Tunnel, real: IpAddr, port: u16) -> Outer {
        let tunnel = plan::tunnel(tunnel, real, 0, &self.node, &self.own);
        let local = tunnel.source(split_mix(port.into()));
        Outer { ends: [Address::from_halves(local).to_ip(), real], port: tunnel.port }
    }
}

impl Opener for Passages {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async move { self.open_now(&door).map_err(|error| error.to_string()) })
    }
}

/// The address that this host would ask the real server from.
fn own_address(door: &Door) -> Result<IpAddr, PassageError> {
    if let Some(source) = door.lead.source {
        return Ok(source);
    }
    // Connecting such a socket sends nothing, and asks the routes.
    let socket = led(door, Transport::Udp)?;
    let connected = socket.connect(&door.real.into());
    connected.map_err(because(|| format!("find a way to {}", door.real.ip())))?;
    Ok(address_of(&socket)?.ip())
}

fn led(door: &Door, transport: Transport) -> Result<Socket, PassageError> {
    let socket = transport.socket(door.real).map_err(because(|| "open a socket".to_owned()))?;
    door.lead.lead(&socket).map_err(|(task, source)| PassageError::Socket { task, source })?;
    Ok(socket)
}

fn address_of(socket: &Socket) -> Result<SocketAddr, PassageError> {
    let address = socket.local_addr().map_err(because(|| "ask for an address".to_owned()))?;
    let unspecified = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    Ok(address.as_socket().unwrap_or(unspecified))
}

fn because(task: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> PassageError {
    |source| PassageError::Socket { task: task(), source }
}
