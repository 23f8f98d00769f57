//! The way of a check: where it goes, and what its sockets are like.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use socket2::Socket;

use super::{
    connect::CheckError,
    message::Job,
    opener::{Door, Opened, Opener, Passage, Transport},
    recorder::Recorder,
};
use crate::model::{Mark, ProxyVersion, VipPath};

/// The way of a check, for as long as it is made.
#[derive(Debug)]
pub(super) struct Way<'a> {
    /// Where to.
    pub(super) address: SocketAddr,
    /// Where it leaves this host.
    lead: Lead,
    /// The header before everything else, over connections.
    pub(super) proxy: Option<ProxyVersion>,
    /// The VIP that it goes through.
    path: Option<VipPath>,
    opener: &'a dyn Opener,
    /// Who wants to see it.
    pub(super) recorder: &'a Recorder,
    passages: Mutex<Vec<Box<dyn Passage>>>,
}

/// Where packets leave this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The interface they have to leave by; `None` leaves it to the routes.
    pub interface: Option<String>,
    /// The address they come from; `None` leaves it to the kernel.
    pub source: Option<IpAddr>,
    /// The mark of the packets.
    pub mark: Option<Mark>,
}

impl<'a> Way<'a> {
    /// The way of a check, through a VIP or to the server's own address.
    pub(super) fn new(
        job: &Job,
        path: Option<VipPath>,
        opener: &'a dyn Opener,
        recorder: &'a Recorder,
    ) -> Self {
        let lead = Lead { interface: job.interface.clone(), source: job.source, mark: job.mark };
        let passages = Mutex::default();
        Self { address: job.address, lead, proxy: job.proxy, path, opener, recorder, passages }
    }

    /// What the real server is called by those who ask it.
    pub(super) fn called(&self) -> SocketAddr {
        let port = self.address.port();
        self.path.map_or(self.address, |path| SocketAddr::new(path.vip, port))
    }

    /// Where it goes, for people.
    pub(super) fn words(&self) -> String {
        let mut words = match self.address.port() {
            0 => self.address.ip().to_string(),
            _ => self.address.to_string(),
        };
        if let Some(VipPath { vip, tunnel }) = self.path {
            let tunnel = if tunnel.is_some() { ", in a tunnel" } else { "" };
            words += &format!(", as VIP {vip}{tunnel}");
        }
        if let Some(interface) = &self.lead.interface {
            words += &format!(", by {interface}");
        }
        if let Some(mark) = self.lead.mark {
            words += &format!(", with mark {mark}");
        }
        words
    }

    /// A socket that goes this way, not connected yet.
    pub(super) async fn socket(&self, transport: Transport) -> Result<Socket, CheckError> {
        let (real, path, lead) = (self.address, self.path, self.lead.clone());
        let door = Door { transport, real, path, lead };
        if door.is_free() {
            let opened = door.open_plainly();
            return opened.map_err(|(task, source)| CheckError::Local { task, source });
        }
        let opened = self.opener.open(door).await.map_err(|words| CheckError::Local {
            task: path.map_or_else(
                || "get a socket".to_owned(),
                |path| format!("go through VIP {}", path.vip),
            ),
            source: io::Error::other(words),
        })?;
        let Opened { socket, passage } = opened;
        self.passages.lock().unwrap_or_else(PoisonError::into_inner).push(passage);
        Ok(socket)
    }
}

impl Lead {
    /// Has a socket's packets leave so, but for the address they come from.
    ///
    /// # Errors
    /// What could not be done, and what the kernel says.
    pub fn lead(&self, socket: &Socket) -> Result<(), (String, io::Error)> {
        if let Some(mark) = self.mark {
            let marked = socket.set_mark(mark.get());
            marked.map_err(|error| (format!("mark its packets with {mark}"), error))?;
        }
        if let Some(name) = &self.interface {
            let bound = socket.bind_device(Some(name.as_bytes()));
            bound.map_err(|error| (format!("leave by interface {name}"), error))?;
        }
        Ok(())
    }
}
