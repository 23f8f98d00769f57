//! Upgrades to other protocols, WebSocket above all (RFC 9110, section 7.8).

use super::connection::Options;
use super::fields::{Fields, Known};
use super::framing::Body;
use super::{Refusal, Request, Response, Status, Version};

/// An upgrade that a request offers, and that is passed on.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    fields: Fields<'a>,
}

impl<'a> Upgrade<'a> {
    /// `None` where nothing is offered that may be passed on: never `h2c`, which would let a client speak to the
    /// server behind the proxy's back; never from HTTP/1.0; and not with a body, after which the server would
    /// have to switch in the middle of it.
    #[must_use]
    pub fn offered(request: &Request<'a>, options: &Options<'_>, body: Body) -> Option<Self> {
        if !options.upgrade || request.version != Version::Http11 || body != Body::Empty {
            return None;
        }
        Some(Self { fields: request.fields }).filter(|upgrade| upgrade.protocols().next().is_some())
    }

    /// The protocols that are passed on.
    pub fn protocols(self) -> impl Iterator<Item = &'a [u8]> {
        self.fields.list(Known::Upgrade).filter(|protocol| !is_http2(protocol))
    }

    /// Whether it is one to WebSocket (RFC 6455).
    #[must_use]
    pub fn is_websocket(self) -> bool {
        self.protocols().any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
    }
}

fn is_http2(protocol: &[u8]) -> bool {
    let name = protocol.split(|&byte| byte == b'/').next().unwrap_or_default();
    name.eq_ignore_ascii_case(b"h2c")
        || name.eq_ignore_ascii_case(b"h2")
        || name.eq_ignore_ascii_case(b"http")
}

/// Whether a response ends HTTP on its connection: from here on bytes pass unread.
///
/// # Errors
/// [`Refusal::UnaskedUpgrade`]: 101 to a protocol that was not offered. The client would wait for a response, and
/// what it sends next would reach the server unread.
pub fn switches(response: &Response<'_>, offered: Option<Upgrade<'_>>) -> Result<bool, Refusal> {
    if response.status != Status::SWITCHING_PROTOCOLS {
        return Ok(false);
    }
    let offered = offered.ok_or(Refusal::UnaskedUpgrade)?;
    let mut chosen = response.fields.list(Known::Upgrade).peekable();
    let is_offered =
        |protocol: &[u8]| offered.protocols().any(|offered| offered.eq_ignore_ascii_case(protocol));
    if chosen.peek().is_some() && chosen.all(is_offered) {
        Ok(true)
    } else {
        Err(Refusal::UnaskedUpgrade)
    }
}

/// Whether the client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1). It is for the
/// server to say so; an Expect without a body, or in HTTP/1.0, means nothing and is not passed on.
///
/// # Errors
/// [`Refusal::Expectation`].
pub fn expects_continue(request: &Request<'_>, body: Body) -> Result<bool, Refusal> {
    if request.version == Version::Http10 || !request.fields.has(Known::Expect) {
        return Ok(false);
    }
    let is_continue = |expected: &[u8]| expected.eq_ignore_ascii_case(b"100-continue");
    if !request.fields.list(Known::Expect).all(is_continue) {
        return Err(Refusal::Expectation);
    }
    Ok(body != Body::Empty)
}

#[cfg(test)]
#[path = "upgrade_test.rs"]
mod tests;
