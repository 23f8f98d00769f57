//! What hosts, paths and header values are compared with.

use regex::bytes::{Regex, RegexBuilder};

use crate::http::Authority;
use crate::http::edit::{HeaderNameError, HeaderValueError};

/// Bytes of a compiled expression: one that needs more is a mistake.
const LARGEST_REGEX: usize = 1 << 20;

/// Why a rule cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// `https://www.example.com` in the place of a host.
    #[error("`{given}` is a URL, not a host: write `{host}`")]
    HostIsUrl {
        /// What was given.
        given: String,
        /// The host in it.
        host: String,
    },
    /// Ports are not compared.
    #[error("`{given}` names a port, and hosts are compared without: write `{host}`")]
    HostHasPort {
        /// What was given.
        given: String,
        /// The host in it.
        host: String,
    },
    /// Neither a name nor `*.` and a name.
    #[error("`{0}` is no host; expected a name, an address, or `*.` and a name")]
    Host(String),
    /// Paths begin with a slash.
    #[error("`{0}` is no path; expected one that begins with `/`, without `?` and `#`")]
    Path(String),
    /// Paths are compared in their normal form.
    #[error(
        "`{given}` fits no request, as paths are compared in their normal form: write `{normal}`"
    )]
    PathNotNormal {
        /// What was given.
        given: String,
        /// Its normal form.
        normal: String,
    },
    /// The expression does not compile.
    #[error("the expression `{expression}` does not compile: {reason}")]
    Regex {
        /// The expression.
        expression: String,
        /// The words of its compiler.
        reason: String,
    },
    /// The name of a header.
    #[error(transparent)]
    Header(#[from] HeaderNameError),
    /// Its value.
    #[error(transparent)]
    HeaderValue(#[from] HeaderValueError),
    /// Methods are case-sensitive.
    #[error("`{0}` is no method; expected a word in capital letters, such as GET")]
    Method(String),
    /// It does not send anybody elsewhere.
    #[error("{0} is no redirection; available: 301, 302, 303, 307 and 308")]
    Redirection(u16),
    /// It does not say no.
    #[error("requests cannot be denied with {0}; expected a status such as 403, 404, 429 or 503")]
    Denial(u16),
    /// A client would not know where to go.
    #[error("`{0}` is no URL: it begins with `https://`, `http://` or `/`, and has no spaces")]
    Url(String),
}

/// A host, or all below a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This one, in small letters.
    Exact(Box<[u8]>),
    /// Every name that ends so, with its dot: `*.example.com` is `.example.com`, and any number of labels
    /// before it.
    Below(Box<[u8]>),
}

impl HostPattern {
    /// # Errors
    /// [`RuleError`], with advice.
    pub fn new(text: &str) -> Result<Self, RuleError> {
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
            return Err(RuleError::HostIsUrl { given: text.to_owned(), host: host.to_owned() });
        }
        let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        let invalid = || RuleError::Host(text.to_owned());
        let authority = Authority::parse(name.as_bytes()).map_err(|_| invalid())?;
        if authority.port.is_some() {
            let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
            let (given, host) = (text.to_owned(), host.to_owned());
            return Err(RuleError::HostHasPort { given, host });
        }
        let name = without_dot(authority.host).to_ascii_lowercase();
        if name.is_empty() || name.contains(&b'*') || name.starts_with(b".") {
            return Err(invalid());
        }
        Ok(if below {
            Self::Below([b".", &name[..]].concat().into())
        } else {
            Self::Exact(name.into())
        })
    }

    pub(super) fn fits(&self, host: &[u8]) -> bool {
        let host = without_dot(host);
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Below(suffix) => host
                .len()
                .checked_sub(suffix.len())
                .is_some_and(|start| start > 0 && host[start..].eq_ignore_ascii_case(suffix)),
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(name)) => self.fits(name),
            (Self::Below(wide), Self::Below(narrow)) => narrow.ends_with(wide),
            (Self::Exact(_), Self::Below(_)) => false,
        }
    }
}

/// `example.com.` is `example.com`.
fn without_dot(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}

/// A path, or many.
#[derive(Clone, Debug)]
pub enum PathPattern {
    /// This one.
    Exact(Box<[u8]>),
    /// This one, and those below: `/api` fits `/api` and `/api/x`, not `/apis`; `/api/` fits those below alone.
    Prefix(Box<[u8]>),
    /// Those in which the expression is found; `^` and `$` are its ends.
    Regex(Regex),
}

impl PathPattern {
    /// # Errors
    /// [`RuleError`].
    pub fn exact(path: &str) -> Result<Self, RuleError> {
        check_path(path).map(Self::Exact)
    }

    /// # Errors
    /// [`RuleError`].
    pub fn prefix(path: &str) -> Result<Self, RuleError> {
        check_path(path).map(Self::Prefix)
    }

    /// # Errors
    /// [`RuleError::Regex`].
    pub fn regex(expression: &str) -> Result<Self, RuleError> {
        compile(expression).map(Self::Regex)
    }

    pub(super) fn fits(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => path == &**exact,
            Self::Prefix(prefix) => path
                .strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || prefix.ends_with(b"/")),
            Self::Regex(regex) => regex.is_match(path),
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(path)) => self.fits(path),
            (Self::Prefix(_), Self::Prefix(narrow)) => self.fits(narrow),
            (Self::Regex(one), Self::Regex(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

fn check_path(path: &str) -> Result<Box<[u8]>, RuleError> {
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(RuleError::Path(path.to_owned()));
    }
    let mut room = Vec::new();
    let normal = super::normal_path(path.as_bytes(), &mut room);
    if normal != path.as_bytes() {
        let normal = String::from_utf8_lossy(normal).into_owned();
        return Err(RuleError::PathNotNormal { given: path.to_owned(), normal });
    }
    Ok(path.as_bytes().into())
}

fn compile(expression: &str) -> Result<Regex, RuleError> {
    RegexBuilder::new(expression).size_limit(LARGEST_REGEX).build().map_err(|error| {
        RuleError::Regex { expression: expression.to_owned(), reason: error.to_string() }
    })
}

/// The value of a field.
#[derive(Clone, Debug)]
pub enum HeaderPattern {
    /// Any: the field is there.
    Present,
    /// This one, byte for byte.
    Exact(Box<[u8]>),
    /// One in which this stands.
    Contains(Box<[u8]>),
    /// One in which the expression is found.
    Regex(Regex),
}

impl HeaderPattern {
    /// # Errors
    /// [`RuleError::Regex`].
    pub fn regex(expression: &str) -> Result<Self, RuleError> {
        compile(expression).map(Self::Regex)
    }

    pub(super) fn fits(&self, value: &[u8]) -> bool {
        match self {
            Self::Present => true,
            Self::Exact(exact) => value == &**exact,
            Self::Contains(part) => memchr::memmem::find(value, part).is_some(),
            Self::Regex(regex) => regex.is_match(value),
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present, _) => true,
            (_, Self::Exact(value)) => self.fits(value),
            (Self::Contains(_), Self::Contains(narrow)) => self.fits(narrow),
            (Self::Regex(one), Self::Regex(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}
