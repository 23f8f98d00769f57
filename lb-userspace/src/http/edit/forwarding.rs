//! Telling the server who its client is: X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239).

use std::io::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::{Authority, Known, bytes};
use super::is_same_to_server;

/// Which of them a service adds.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// A new line `X-Forwarded-For`, as HAProxy's `option forwardfor`: lines that came are passed on, and servers
    /// must trust the last one only.
    pub x_forwarded_for: bool,
    /// `X-Forwarded-Proto`, in place of what came.
    pub x_forwarded_proto: bool,
    /// A new line `Forwarded`.
    pub forwarded: bool,
    /// Clients that are proxies and have said all this: nothing is added, and what they say is kept.
    pub except: Vec<IpNet>,
}

/// The other end of the client's connection.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// By TLS.
    pub secure: bool,
}

impl Client {
    const fn scheme(self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl Forwarding {
    /// Whether anything is said about this client.
    pub(super) fn speaks_of(&self, client: Client) -> bool {
        !self.except.iter().any(|net| net.contains(&client.address.to_canonical()))
    }

    /// Whether a field that came would pass for one that is added: not the line of a proxy in front, which keeps
    /// its place, but its spelling with underscores.
    pub(super) fn drops(&self, known: Known, name: &[u8]) -> bool {
        let poses_as = |on: bool, own: &[u8]| on && is_same_to_server(name, own);
        match known {
            Known::XForwardedProto => self.x_forwarded_proto,
            Known::XForwardedFor | Known::Forwarded => false,
            _ => {
                poses_as(self.x_forwarded_for, b"x-forwarded-for")
                    || poses_as(self.x_forwarded_proto, b"x-forwarded-proto")
            }
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, client: Client, host: Option<Authority<'_>>) {
        let address = client.address.to_canonical();
        // Writing into a vector does not fail.
        if self.x_forwarded_for {
            let _ = write!(out, "X-Forwarded-For: {address}\r\n");
        }
        if self.x_forwarded_proto {
            let _ = write!(out, "X-Forwarded-Proto: {}\r\n", client.scheme());
        }
        if self.forwarded {
            let _ = match address {
                IpAddr::V4(v4) => write!(out, "Forwarded: for={v4}"),
                IpAddr::V6(v6) => write!(out, "Forwarded: for=\"[{v6}]\""),
            };
            if let Some(host) = host.filter(|host| !host.host.is_empty()) {
                out.extend_from_slice(b";host=");
                put_host(out, host);
            }
            let _ = write!(out, ";proto={}\r\n", client.scheme());
        }
    }
}

/// A token, or a quoted string (RFC 7239, section 4): a colon needs quotes. A host has no quotes of its own.
fn put_host(out: &mut Vec<u8>, host: Authority<'_>) {
    let quote: &[u8] = if bytes::is_token(host.host) && host.port.is_none() { b"" } else { b"\"" };
    out.extend_from_slice(quote);
    host.write(out);
    out.extend_from_slice(quote);
}
