//! Rules of a service: which pool answers, or what the proxy answers by itself.
//!
//! Routes are looked at in the order of the configuration, and **the first that fits decides**: it names a pool,
//! redirects or denies. None: the service's own pool. Header edits are apart from that: those of every rule that
//! fits apply, in their order. A rule fits when all of its tests do; a test with several values fits when one of
//! them does.
//!
//! Everything is compiled once; a decision allocates nothing.

pub mod compile;
mod cover;
mod normal;
mod pattern;
mod predicate;
mod rate;

pub use cover::{Conflict, conflicts};
pub use normal::normal_path;
pub use pattern::{HeaderPattern, HostPattern, PathPattern, RuleError};
pub use predicate::Test;
pub use rate::{RateKey, RateSubject};

use std::net::IpAddr;

use super::{Fields, Method, Status};

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The host without its port; empty where the client named none.
    pub host: &'a [u8],
    /// The path as [`normal_path`] makes it.
    pub path: &'a [u8],
    /// The method.
    pub method: Method<'a>,
    /// The fields of the request.
    pub fields: Fields<'a>,
    /// The name in the client's TLS handshake.
    pub sni: Option<&'a [u8]>,
    /// Where the client is.
    pub source: IpAddr,
}

/// What holds of a request for a rule to fit: every test. Without one, every request fits.
#[derive(Clone, Debug, Default)]
pub struct Condition(Vec<Test>);

impl Condition {
    /// All of these.
    #[must_use]
    pub fn new(tests: Vec<Test>) -> Self {
        Self(tests)
    }

    /// Whether a request fits.
    #[must_use]
    pub fn fits(&self, facts: &Facts<'_>) -> bool {
        self.0.iter().all(|test| test.fits(facts))
    }

    /// Whether every request that fits the other fits this one: `false` where that is not certain.
    fn covers(&self, other: &Self) -> bool {
        self.0.iter().all(|test| other.0.iter().any(|narrower| test.covers(narrower)))
    }
}

/// What a route decides; `P` is how the caller names a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<P> {
    /// This pool answers.
    Pool(P),
    /// The same URL by https, at this port.
    RedirectToHttps {
        /// 301, 302, 303, 307 or 308.
        status: Status,
        /// 443 is not written.
        port: u16,
    },
    /// Another URL.
    RedirectTo {
        /// 301, 302, 303, 307 or 308.
        status: Status,
        /// The URL.
        url: Box<str>,
    },
    /// An error page, usually 403.
    Deny(Status),
}

/// A condition and what follows from it.
#[derive(Clone, Debug)]
pub struct Rule<T> {
    /// For which requests.
    pub when: Condition,
    /// What.
    pub then: T,
}

/// The routes of a service, in their order.
#[derive(Clone, Debug)]
pub struct Routes<P>(Vec<Rule<Verdict<P>>>);

impl<P> Routes<P> {
    /// In this order.
    #[must_use]
    pub fn new(routes: Vec<Rule<Verdict<P>>>) -> Self {
        Self(routes)
    }

    /// What the first that fits decides.
    #[must_use]
    pub fn decide(&self, facts: &Facts<'_>) -> Option<&Verdict<P>> {
        self.0.iter().find(|rule| rule.when.fits(facts)).map(|rule| &rule.then)
    }

    /// Routes that decide nothing, as an earlier one takes all their requests.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        conflicts(&self.0.iter().map(|rule| &rule.when).collect::<Vec<_>>())
    }
}

/// What applies of a list to a request, in its order.
pub fn all_that_fit<'r, T>(
    rules: &'r [Rule<T>],
    facts: &'r Facts<'_>,
) -> impl Iterator<Item = &'r T> {
    rules.iter().filter(|rule| rule.when.fits(facts)).map(|rule| &rule.then)
}

#[cfg(test)]
#[path = "../rules_test.rs"]
mod tests;
