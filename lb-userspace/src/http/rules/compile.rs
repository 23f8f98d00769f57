//! From what the file says to what is compared and written. The configuration asks here what can be meant, and the worker
//! makes use of it.

use super::{Condition, HeaderPattern, HostPattern, PathPattern, RuleError, Test, Verdict};
use crate::http::edit::{Forwarding, HeaderEdit, HeaderEdits, HeaderName, HeaderValue};
use crate::http::{Authority, Status, bytes};
use crate::model::{
    ForwardedFields, HeaderChange, HeaderTest, PathTest, Route, RouteTest, RouteThen,
};

/// Statuses of redirections, in the words of RFC 9110, section 15.4.
const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

impl TryFrom<&RouteTest> for Test {
    type Error = RuleError;

    fn try_from(test: &RouteTest) -> Result<Self, RuleError> {
        Ok(match test {
            RouteTest::Host(hosts) => Self::Host(
                hosts.iter().map(|host| HostPattern::new(host)).collect::<Result<_, _>>()?,
            ),
            RouteTest::Path(paths) => {
                Self::Path(paths.iter().map(PathPattern::try_from).collect::<Result<_, _>>()?)
            }
            RouteTest::Method(methods) => {
                Self::Method(methods.iter().map(|name| method(name)).collect::<Result<_, _>>()?)
            }
            RouteTest::Header(name, value) => {
                Self::Header(HeaderName::new(name)?, vec![HeaderPattern::try_from(value)?])
            }
            RouteTest::Source(nets) => Self::Source(nets.clone()),
        })
    }
}

impl TryFrom<&PathTest> for PathPattern {
    type Error = RuleError;

    fn try_from(test: &PathTest) -> Result<Self, RuleError> {
        match test {
            PathTest::Exact(path) => Self::exact(path),
            PathTest::Prefix(path) => Self::prefix(path),
            PathTest::Regex(expression) => Self::regex(expression),
        }
    }
}

impl TryFrom<&HeaderTest> for HeaderPattern {
    type Error = RuleError;

    fn try_from(test: &HeaderTest) -> Result<Self, RuleError> {
        Ok(match test {
            HeaderTest::Present => Self::Present,
            HeaderTest::Exact(value) => Self::Exact(value.as_bytes().into()),
            HeaderTest::Contains(part) => Self::Contains(part.as_bytes().into()),
            HeaderTest::Regex(expression) => Self::regex(expression)?,
        })
    }
}

/// Methods are case-sensitive (RFC 9110, section 9.1), and all that are in use are written in capital letters.
fn method(name: &str) -> Result<Box<str>, RuleError> {
    let is_method =
        bytes::is_token(name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_method { Ok(name.into()) } else { Err(RuleError::Method(name.to_owned())) }
}

impl Condition {
    /// Of these tests.
    ///
    /// # Errors
    /// The first that cannot be meant.
    pub fn of(tests: &[RouteTest]) -> Result<Self, RuleError> {
        tests.iter().map(Test::try_from).collect::<Result<_, _>>().map(Self::new)
    }
}

impl<P> Verdict<P> {
    /// What a route decides, with the caller's way to name a pool.
    ///
    /// # Errors
    /// A status or a URL that cannot be meant.
    pub fn of(route: &Route, pool: P) -> Result<Self, RuleError> {
        Ok(match &route.then {
            RouteThen::Pool(_) => Self::Pool(pool),
            RouteThen::ToHttps(status, port) => {
                Self::RedirectToHttps { status: redirection(*status)?, port: *port }
            }
            RouteThen::To(status, target) => {
                Self::RedirectTo { status: redirection(*status)?, url: url(target)?.into() }
            }
            RouteThen::Deny(status) => Self::Deny(denial(*status)?),
        })
    }
}

/// A status that sends clients elsewhere.
///
/// # Errors
/// It does not.
pub fn redirection(status: u16) -> Result<Status, RuleError> {
    let known = REDIRECTIONS.contains(&status).then(|| Status::new(status)).flatten();
    known.ok_or(RuleError::Redirection(status))
}

/// A status that says no, with a page of its own.
///
/// # Errors
/// It does not, or there is no page.
pub fn denial(status: u16) -> Result<Status, RuleError> {
    let known = Status::new(status)
        .filter(|status| matches!(status.class(), 4 | 5) && !status.reason().is_empty());
    known.ok_or(RuleError::Denial(status))
}

/// A URL to send clients to, or a path at the same host.
///
/// # Errors
/// It is neither.
pub fn url(text: &str) -> Result<&str, RuleError> {
    let begins = ["https://", "http://", "/"].iter().any(|start| text.starts_with(start));
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if begins && is_visible { Ok(text) } else { Err(RuleError::Url(text.to_owned())) }
}

/// What servers are told to be: a host, with a port or without.
///
/// # Errors
/// [`RuleError::HostIsUrl`] and [`RuleError::Host`].
pub fn own_host(text: &str) -> Result<HeaderValue, RuleError> {
    if text.contains("://") {
        return HostPattern::new(text).and(Err(RuleError::Host(text.to_owned())));
    }
    let host = Authority::parse(text.as_bytes())
        .ok()
        .filter(|authority| !authority.host.is_empty() && !text.contains('*'))
        .and_then(|_| HeaderValue::new(text).ok());
    host.ok_or_else(|| RuleError::Host(text.to_owned()))
}

impl TryFrom<&HeaderChange> for HeaderEdit {
    type Error = RuleError;

    fn try_from(change: &HeaderChange) -> Result<Self, RuleError> {
        let both = |name: &str, value: &str| -> Result<_, RuleError> {
            Ok((HeaderName::new(name)?, HeaderValue::new(value)?))
        };
        Ok(match change {
            HeaderChange::Add(name, value) => {
                let (name, value) = both(name, value)?;
                Self::Add(name, value)
            }
            HeaderChange::Set(name, value) => {
                let (name, value) = both(name, value)?;
                Self::Set(name, value)
            }
            HeaderChange::Delete(name) => Self::Delete(HeaderName::new(name)?),
        })
    }
}

/// All of them, in their order.
///
/// # Errors
/// The first that cannot be meant.
pub fn header_edits(changes: &[HeaderChange]) -> Result<HeaderEdits, RuleError> {
    let edits = changes.iter().map(HeaderEdit::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(HeaderEdits::new(edits))
}

impl From<&ForwardedFields> for Forwarding {
    fn from(fields: &ForwardedFields) -> Self {
        Self {
            x_forwarded_for: fields.x_forwarded_for,
            x_forwarded_proto: fields.x_forwarded_proto,
            forwarded: fields.forwarded,
            except: fields.except.clone(),
        }
    }
}
