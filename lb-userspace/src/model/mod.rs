//! What the product talks about: services, pools, real servers, and the numbers they carry.
//!
//! A value of these types cannot be invalid on its own: each constructor is the only check. What
//! concerns several values at once (a pool that must exist) is the business of `config`.

mod check;
mod config;
mod duration;
mod limits;
mod mark;
mod name;
mod node;
mod pool;
mod port;
mod ring_size;
mod service;
mod weight;

pub use check::{Check, CheckCountError, CheckKind, CheckTimeError};
pub use config::Config;
pub use duration::{DurationError, parse_duration, show_duration};
pub use limits::{LimitError, LimitKey, Limits};
pub use mark::{Mark, MarkError};
pub use name::{InterfaceName, InterfaceNameError, Name, NameError};
pub use node::{Node, XdpMode};
pub use pool::{Pool, RealServer, SchedulerKind, WindowError};
pub use port::{PortSpec, PortSpecError, Protocol};
pub use ring_size::{RingSizeError, check_ring_size};
pub use service::{
    HashKey, Mode, Persistence, PersistenceTimeoutError, PrefixError, Service, UdpIdle,
    UdpIdleError,
};
pub use weight::{Weight, WeightError};
