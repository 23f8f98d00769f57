//! What the agent and a worker say to each other.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    balance::Standing,
    config::Certificates,
    model::{Name, PoolProxy, Service, Weight},
    plan::Ramp,
    proxy::Suspect,
};

/// How often a worker says that it is alive, whatever else there is to say.
pub const SIGN_OF_LIFE: Duration = Duration::from_millis(250);

/// What the agent says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Beside this are the listening sockets of these numbers.
    Sockets(Vec<u32>),
    /// Serve by this from now on. A socket that it does not name is closed, once whoever waits there is served.
    Configure(Box<Configuration>),
    /// These pools have other members now.
    Members(Vec<Members>),
}

/// What a worker says. A stranger may have got hold of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// The configuration of this number serves.
    InForce(u64),
    /// It does not, and why; the one before goes on.
    Refused(u64, String),
    /// It is there.
    Alive,
    /// Requests fail at a server.
    Suspect(Suspect),
}

/// What a worker serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Configuration {
    /// Its number: each has a higher one.
    pub serial: u64,
    /// What keys of requests are hashed with; the directors of a cluster share it.
    pub seed: u64,
    /// Those with a mode of the proxy.
    pub services: Vec<Service>,
    /// What files hold for those with TLS, and for pools with it.
    pub certificates: Certificates,
    /// Those that they lead to.
    pub pools: Vec<Pool>,
    /// Where clients come in.
    pub listeners: Vec<Listener>,
}

/// A pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// How it is used.
    pub proxy: PoolProxy,
    /// What goes on at a server ends when it is found to be down.
    pub kills: bool,
    /// Who is in it.
    pub members: Members,
}

/// The servers of a pool, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// The pool.
    pub pool: Name,
    /// In the order of the file.
    pub members: Vec<Member>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: Name,
    /// Where it is reached.
    pub address: SocketAddr,
    /// Its share of requests.
    pub weight: Weight,
    /// How much of the weight it has.
    pub ramp: Ramp,
    /// What may be done with it: the pool's rules are in it already.
    pub standing: Standing,
    /// Requests that it takes at a time.
    pub max_connections: Option<NonZeroU32>,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its number.
    pub number: u32,
    /// The index of its service in [`Configuration::services`].
    pub service: usize,
    /// The thread that accepts there.
    pub thread: u8,
}
