//! What the product talks about: services, pools, real servers, and the numbers they carry.
//!
//! A value of these types cannot be invalid on its own: each constructor is the only check. What
//! concerns several values at once (a pool that must exist) is the business of `config`.

mod check;
mod checks;
mod config;
mod duration;
mod flood;
mod guard;
mod http;
mod limits;
mod mark;
mod name;
mod node;
mod notify;
mod observe;
mod persistence;
mod pool;
mod port;
mod prefix;
mod proxy;
mod rate;
mod ring_size;
mod rules;
mod scheduler;
mod script;
mod service;
mod tls;
mod tunnel;
mod vrrp;
mod weight;
mod window;

pub use check::{
    AgentCheck, BodyDigest, BodyDigestError, BodyMatch, Check, CheckCountError, CheckKind,
    CheckPace, CheckRoute, CheckStart, CheckTimeError, DnsCheck, DnsCode, DnsName, DnsNameError,
    DnsRecord, Expectation, FileCheck, GrpcCheck, GrpcService, GrpcServiceError, HttpCheck,
    HttpCheckError, HttpHeader, HttpHost, HttpMethod, HttpPath, HttpRequest, HttpVersion, Jitter,
    JitterError, Login, Pattern, PatternError, Payload, PayloadError, ProxyVersion, ScriptCheck,
    StatusRange, TlsCheck, TlsName, TlsNameError, UdpCheck, UserName, UserNameError, VipPath,
    WhileBackup,
};
pub use checks::{Checks, ChecksNeededError};
pub use config::Config;
pub use duration::{DurationError, parse_duration, show_duration};
pub use flood::{Flood, FloodError};
pub use guard::{Guard, GuardAction, SourceRate};
pub use http::{
    ForwardedFields, HeaderChange, HeaderTest, HttpService, PathTest, Route, RouteTest, RouteThen,
};
pub use limits::{LimitError, LimitKey, Limits};
pub use mark::{Mark, MarkError};
pub use name::{InterfaceName, InterfaceNameError, Name, NameError};
pub use node::{Node, Sysctls, XdpMode};
pub use notify::{
    Mail, MailLogin, MailServer, MailServerError, MailTls, Notify, NotifyTimeError, PoolNotify,
    VrrpGroup, Webhook, WebhookUrl, WebhookUrlError,
};
pub use observe::{EjectionError, Observe, ObservedLayer, OnError};
pub use persistence::{Persistence, PersistenceDrain, PersistenceTimeoutError};
pub use pool::{OnEmpty, Pool, RealServer, SlowStartError};
pub use port::{PortSpec, PortSpecError, Protocol};
pub use prefix::{
    NetworkError, PrefixLengthError, parse_network, parse_network4, parse_network6,
    parse_prefix_length,
};
pub use proxy::{
    AccessLog, Balance, HashOf, PoolProxy, ProxyService, ProxyTimeoutError, ProxyTimeouts,
    Redispatched,
};
pub use rate::{Rate, RateError};
pub use ring_size::{RingSizeError, check_ring_size};
pub use rules::{
    Backups, BelowQuorum, Damping, DampingError, OnDown, PanicThreshold, PanicThresholdError,
    PoolRules, Quorum, QuorumError,
};
pub use scheduler::SchedulerKind;
pub use script::Script;
pub use service::{HashKey, Mode, Service, UdpIdle, UdpIdleError};
pub use tls::{PoolTls, ServiceTls, TlsClients, TlsVersions};
pub use tunnel::{MtuError, Tunnel, TunnelKind};
pub use vrrp::{
    AddressLabel, AddressLabelError, Announce, AnnounceError, DelayError, Password, RouteScope,
    RouteTable, RouteWay, RoutingError, RulePriority, TrackError, TrackFile, TrackProcess,
    TrackScript, Tracked, Tracker, TrackerKind, VirtualAddress, VirtualAddressError, VirtualRoute,
    VirtualRouting, VirtualRule, VrrpAuthentication, VrrpInstance, VrrpProtocol,
};
pub use weight::{Weight, WeightError};
pub use window::{Window, WindowError};
