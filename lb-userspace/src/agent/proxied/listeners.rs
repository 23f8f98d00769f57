//! The sockets that clients come in by: one for each address and thread, so that the kernel spreads connections over the
//! threads. The supervisor keeps them too: neither the agent's end nor the worker's closes them, and whoever connects
//! meanwhile waits in the kernel.

use std::{collections::BTreeMap, io, net::SocketAddr, os::fd::OwnedFd, sync::Arc};

use socket2::{Domain, SockRef, Socket, Type};

/// Connections that wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    /// Its number; none is used twice.
    pub(super) number: u32,
    /// The socket.
    pub(super) socket: Arc<OwnedFd>,
}

/// Where one listens: an address, and the thread that accepts.
pub(super) type Seat = (SocketAddr, u8);

/// All of them.
#[derive(Debug, Default)]
pub(in crate::agent) struct Listeners {
    open: BTreeMap<Seat, Listener>,
    /// Those of an earlier agent that are at nobody's seat.
    spare: Vec<u32>,
    next: u32,
}

impl Listeners {
    /// Goes on with those that the supervisor has kept.
    pub(super) fn adopt(kept: Vec<(u32, OwnedFd)>) -> Self {
        let mut own = Self::default();
        for (number, socket) in kept {
            own.next = own.next.max(number.saturating_add(1));
            let Some(address) = address_of(&socket) else {
                own.spare.push(number);
                continue;
            };
            let threads = own.open.range((address, 0)..=(address, u8::MAX)).count();
            match u8::try_from(threads) {
                Ok(thread) => {
                    let listener = Listener { number, socket: Arc::new(socket) };
                    own.open.insert((address, thread), listener);
                }
                Err(_) => own.spare.push(number),
            }
        }
        own
    }

    /// Opens those of these seats that are not open yet, and returns the new ones.
    ///
    /// # Errors
    /// The first that cannot be opened, and why. Those before it are open.
    pub(super) fn open(
        &mut self,
        seats: impl IntoIterator<Item = Seat>,
    ) -> Result<Vec<Listener>, (SocketAddr, io::Error)> {
        let mut new = Vec::new();
        for seat @ (address, _) in seats {
            if self.open.contains_key(&seat) {
                continue;
            }
            let socket = listen(address).map_err(|error| (address, error))?;
            let listener = Listener { number: self.next, socket: Arc::new(socket) };
            self.next += 1;
            new.push(listener.clone());
            self.open.insert(seat, listener);
        }
        Ok(new)
    }

    /// Closes all others, and returns their numbers. A worker that still has them accepts whoever waits there.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&Seat) -> bool) -> Vec<u32> {
        let mut gone = std::mem::take(&mut self.spare);
        self.open.retain(|seat, listener| {
            let stays = is_wanted(seat);
            if !stays {
                gone.push(listener.number);
            }
            stays
        });
        gone
    }

    /// The one at this seat.
    pub(super) fn at(&self, seat: &Seat) -> Option<&Listener> {
        self.open.get(seat)
    }
}

fn address_of(socket: &OwnedFd) -> Option<SocketAddr> {
    SockRef::from(socket).local_addr().ok()?.as_socket()
}

/// A socket that listens at an address which need not be this host's yet: VRRP may bring it later.
fn listen(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    match address {
        SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_freebind_v6(true)?;
        }
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    /// An address that nobody else listens at.
    fn free() -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("it listens");
        listener.local_addr().expect("it listens")
    }

    #[test]
    fn each_thread_has_one_and_the_next_agent_goes_on_with_them() {
        let mut listeners = Listeners::default();
        let (one, other) = (free(), free());
        let new = listeners.open([(one, 0), (one, 1), (other, 0)]).expect("they open");
        assert_eq!(new.iter().map(|listener| listener.number).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(listeners.open([(one, 1)]).expect("it is open").is_empty());
        TcpStream::connect(one).expect("somebody listens");

        let kept = new.iter().map(|l| (l.number, l.socket.try_clone().expect("it is there")));
        let mut next = Listeners::adopt(kept.collect());
        let numbers = |listeners: &Listeners| {
            [(one, 0), (one, 1), (other, 0)].map(|seat| listeners.at(&seat).map(|l| l.number))
        };
        assert_eq!(numbers(&next), [Some(0), Some(1), Some(2)]);
        assert_eq!(next.retain(|(address, _)| *address == one), [2]);
        assert_eq!(numbers(&next), [Some(0), Some(1), None]);
        let new = next.open([(other, 0)]).expect("it opens again");
        assert_eq!(new.first().map(|listener| listener.number), Some(3));
    }

    #[test]
    fn what_is_no_socket_is_not_kept_any_longer() {
        let file = std::fs::File::open("/dev/null").expect("it is there");
        let mut listeners = Listeners::adopt(vec![(7, file.into())]);
        assert_eq!(listeners.retain(|_| true), [7]);
        assert!(listeners.retain(|_| true).is_empty());
    }

    #[test]
    fn where_another_program_listens() {
        let other = std::net::TcpListener::bind("127.0.0.1:0").expect("it listens");
        let address = other.local_addr().expect("it listens");
        let (at, error) = Listeners::default().open([(address, 0)]).expect_err("it is in use");
        assert_eq!((at, error.kind()), (address, io::ErrorKind::AddrInUse));
    }

    #[test]
    fn where_the_address_is_to_come() {
        let nobodys = "192.0.2.77:4711".parse().expect("an address");
        Listeners::default().open([(nobodys, 0)]).expect("it listens already");
    }
}
