//! From a head to what is done about it. Everything that outlives the head is copied here.

use std::net::SocketAddr;

use super::super::context::Context;
use super::super::settings::{self, Key, PoolId};
use super::upload::Upload;
use super::{Front, Work};
use crate::balance::{header_key, source_key, uri_key};
use crate::http::answer::{Asker, Content, write_answer, write_https_url};
use crate::http::connection::{Options, client_persists};
use crate::http::edit::{Client, RequestEdits, write_request};
use crate::http::framing::{self, Body};
use crate::http::rules::{Facts, Verdict, normal_path};
use crate::http::{BodyReader, Refusal, Request, Status, Upgrade, Version, upgrade};

/// What is known of a request once its head has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) version: Version,
    /// It was HEAD.
    pub(super) head: bool,
    pub(super) idempotent: bool,
    /// The client's connection goes on after it.
    pub(super) persists: bool,
    /// The client came by TLS.
    pub(super) secure: bool,
    /// The client waits for `100 Continue`.
    pub(super) expects_continue: bool,
}

/// A request.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) asked: Asked,
    pub(super) upload: Upload,
    pub(super) then: Then,
}

/// What is done about it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// A pool answers; the key chooses the server.
    Forward(PoolId, Option<u64>),
    /// The proxy itself does; the answer is in the workspace.
    Answered(Status),
}

/// Who asks, and of whom.
pub(super) struct Asking<'a> {
    pub(super) context: &'a Context,
    pub(super) front: &'a Front,
    pub(super) client: SocketAddr,
    pub(super) secure: bool,
    /// The name in the TLS handshake.
    pub(super) sni: Option<&'a str>,
}

impl Asking<'_> {
    /// A head, and what has come behind it.
    pub(super) fn prepare(
        &self,
        request: &Request<'_>,
        head: &[u8],
        behind: &[u8],
        work: &mut Work,
    ) -> Result<Prepared, Refusal> {
        let http = &self.front.http;
        work.line.extend_from_slice(request.line);
        let options = Options::read(request.fields)?;
        let body = framing::request(request)?;
        let expects_continue = upgrade::expects_continue(request, body)?;
        let reader = BodyReader::new(body, http.limits, http.largest_body)?;
        let asked = Asked {
            version: request.version,
            head: request.method == crate::http::Method::Head,
            idempotent: request.method.is_idempotent(),
            persists: client_persists(request, &options) && self.context.goes_on(),
            secure: self.secure,
            expects_continue,
        };
        let then = self.route(request, asked, body, work);
        if let Then::Forward(pool, _) = then {
            let upgrade = Upgrade::offered(request, &options, body);
            if upgrade.is_some() {
                work.offer.extend_from_slice(head);
            }
            if http.host.is_some()
                && let Some(host) = request.host
            {
                host.write(&mut work.outside);
            }
            let settings = self.pool(pool);
            let Some(settings) = settings else { return Err(Refusal::Target) };
            let edits = RequestEdits {
                client: Client { address: self.client.ip(), secure: self.secure },
                forwarding: &http.forwarding,
                headers: &http.request_headers,
                own: &[],
                host: http.host.as_ref(),
                server: &settings.host,
                upgrade,
                expects_continue,
                body,
                close: !settings.keeps_connections(),
            };
            write_request(&mut work.request, request, &options, &edits);
        }
        let out = std::mem::take(&mut work.request);
        let mut upload = Upload::new(out, reader, body == Body::Chunked);
        upload.take(behind)?;
        Ok(Prepared { asked, upload, then })
    }

    fn pool(&self, pool: PoolId) -> Option<&settings::Pool> {
        self.context.pools.get(pool.0).map(|pool| &pool.settings)
    }

    fn route(&self, request: &Request<'_>, asked: Asked, body: Body, work: &mut Work) -> Then {
        let routes = &self.front.http.routes;
        let facts = Facts {
            host: request.host.map_or(b"", |host| host.host),
            path: normal_path(request.target.path(), &mut work.path),
            method: request.method,
            fields: request.fields,
            sni: self.sni.map(str::as_bytes),
            source: self.client.ip().to_canonical(),
        };
        let date = self.context.date();
        let asker = Asker {
            version: asked.version,
            head: asked.head,
            persists: asked.persists && body == Body::Empty,
            date: &date,
        };
        let out = &mut work.response;
        match routes.decide(&facts) {
            None => self.forward(self.front.settings.pool, request),
            Some(Verdict::Pool(pool)) => self.forward(*pool, request),
            Some(Verdict::Deny(status)) => {
                write_answer(out, *status, Content::Page, &asker);
                Then::Answered(*status)
            }
            Some(Verdict::RedirectTo { status, url }) => {
                write_answer(out, *status, Content::Location(url.as_bytes()), &asker);
                Then::Answered(*status)
            }
            Some(Verdict::RedirectToHttps { status, port }) => {
                let mut url = Vec::new();
                let status = if write_https_url(&mut url, request, *port).is_some() {
                    write_answer(out, *status, Content::Location(&url), &asker);
                    *status
                } else {
                    write_answer(out, Status::BAD_REQUEST, Content::Page, &asker);
                    Status::BAD_REQUEST
                };
                Then::Answered(status)
            }
        }
    }

    fn forward(&self, pool: PoolId, request: &Request<'_>) -> Then {
        let key = self.pool(pool).and_then(|settings| match &settings.key {
            Key::Source(seed) => Some(source_key(*seed, self.client.ip())),
            Key::Uri { seed, with_query } => {
                let [path, rest] = request.target.to_origin(request.method);
                let whole;
                let target = if rest.is_empty() {
                    path
                } else {
                    whole = [path, rest].concat();
                    &whole
                };
                Some(uri_key(*seed, target, *with_query))
            }
            Key::Header(seed, name) => {
                let value = request.fields.named(name.as_bytes()).next();
                value.map(|value| header_key(*seed, value))
            }
        });
        Then::Forward(pool, key)
    }
}
