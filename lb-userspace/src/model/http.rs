//! What the proxy does with requests of HTTP, as the file says it. `crate::http::rules` and `crate::http::edit` make what is
//! compared and written of these texts.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Name;

/// A service of mode `http`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpService {
    /// Bytes of the body of a request, at most.
    pub max_body: u64,
    /// What servers are told to be, in place of the client's Host; answers are rewritten back.
    pub host: Option<String>,
    /// What servers learn about the client.
    pub forwarded: ForwardedFields,
    /// Fields of requests, in this order.
    pub request_headers: Vec<HeaderChange>,
    /// Fields of responses, in this order.
    pub response_headers: Vec<HeaderChange>,
    /// The first that fits decides.
    pub routes: Vec<Route>,
}

impl Default for HttpService {
    fn default() -> Self {
        Self {
            max_body: u64::MAX,
            host: None,
            forwarded: ForwardedFields::default(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            routes: Vec::new(),
        }
    }
}

/// What servers learn about the client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardedFields {
    /// `X-Forwarded-For`.
    pub x_forwarded_for: bool,
    /// `X-Forwarded-Proto`.
    pub x_forwarded_proto: bool,
    /// `Forwarded` (RFC 7239).
    pub forwarded: bool,
    /// Clients that are proxies and have said all this.
    pub except: Vec<IpNet>,
}

/// A field is added, set or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderChange {
    /// One more line.
    Add(String, String),
    /// This line, and no other of its name.
    Set(String, String),
    /// No line of this name.
    Delete(String),
}

/// What becomes of requests for which all of this holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// All of these; none: every request.
    pub when: Vec<RouteTest>,
    /// What.
    pub then: RouteThen,
}

/// One question about a request: one of its values is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTest {
    /// The host that the client names: a name, or `*.` and a name.
    Host(Vec<String>),
    /// The path.
    Path(Vec<PathTest>),
    /// The method.
    Method(Vec<String>),
    /// A line of this field.
    Header(String, HeaderTest),
    /// Where the client is.
    Source(Vec<IpNet>),
}

/// A path, or many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathTest {
    /// This one.
    Exact(String),
    /// This one, and those below.
    Prefix(String),
    /// Those in which the expression is found.
    Regex(String),
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderTest {
    /// Any.
    Present,
    /// This one.
    Exact(String),
    /// One in which this stands.
    Contains(String),
    /// One in which the expression is found.
    Regex(String),
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteThen {
    /// This pool answers.
    Pool(Name),
    /// The client is sent to the same URL by https, with this status, at this port.
    ToHttps(u16, u16),
    /// The client is sent to this URL, with this status.
    To(u16, String),
    /// An error page with this status.
    Deny(u16),
}

impl Route {
    /// The pool that answers.
    #[must_use]
    pub const fn pool(&self) -> Option<&Name> {
        match &self.then {
            RouteThen::Pool(pool) => Some(pool),
            RouteThen::ToHttps(..) | RouteThen::To(..) | RouteThen::Deny(_) => None,
        }
    }
}
