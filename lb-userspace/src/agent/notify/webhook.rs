//! Webhooks: changes for a program elsewhere, each posted as JSON.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, InvalidDnsNameError, ServerName,
        pem::{self, PemObject as _},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::model::Webhook;

/// The way to the program.
#[derive(Clone, Debug)]
pub(super) struct Poster {
    webhook: Webhook,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// A webhook that cannot be used from here at all.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum PosterError {
    /// The file with the authorities.
    #[error("the file {file} with authorities: {1}", file = .0.display())]
    Authorities(PathBuf, pem::Error),
    /// One of them.
    #[error("the authorities: {0}")]
    Tls(#[from] rustls::Error),
    /// No certificate can be for that.
    #[error("{0}: {1}")]
    Name(String, InvalidDnsNameError),
}

/// Why a post has not arrived.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// It was refused, and will be.
    #[error("it answers {0}")]
    Refused(StatusCode),
    /// Another time, perhaps.
    #[error("it answers {0}")]
    NotNow(StatusCode),
    /// No connection, or no TLS.
    #[error("{0}")]
    Unreached(#[from] io::Error),
    /// No HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// It takes too long.
    #[error("it takes longer than {0:?}")]
    Slow(Duration),
}

impl PostError {
    /// Is there any sense in another try?
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl Poster {
    /// # Errors
    /// [`PosterError`].
    pub(super) fn new(webhook: &Webhook) -> Result<Self, PosterError> {
        let tls = webhook.url.is_secure().then(|| tls(webhook)).transpose()?;
        Ok(Self { webhook: webhook.clone(), tls })
    }

    /// Posts a body.
    pub(super) async fn post(self, body: String) -> Result<(), PostError> {
        let limit = self.webhook.timeout;
        timeout(limit, self.exchange(body)).await.unwrap_or(Err(PostError::Slow(limit)))
    }

    async fn exchange(&self, body: String) -> Result<(), PostError> {
        let url = &self.webhook.url;
        let stream = TcpStream::connect((url.host(), url.port())).await?;
        let status = match &self.tls {
            None => self.ask(stream, body).await?,
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                self.ask(connector.connect(name.clone(), stream).await?, body).await?
            }
        };
        // What the server has trouble with, and what it says is too early or too much, may pass later.
        let later =
            [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        match status {
            status if status.is_success() => Ok(()),
            status if status.is_server_error() || later.contains(&status) => {
                Err(PostError::NotNow(status))
            }
            status => Err(PostError::Refused(status)),
        }
    }

    /// The status of the answer. Its body is of no interest, and not read.
    async fn ask<S>(&self, stream: S, body: String) -> Result<StatusCode, PostError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::post(self.webhook.url.target())
            .header(header::HOST, self.webhook.url.authority())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("lb/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(io::Error::other)?;
        let driver = async {
            let error = connection.await.err();
            // It ends before the answer only by an error, which the answer is told as well.
            match error {
                Some(error) => PostError::from(error),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = sender.send_request(request) => Ok(answer?.status()),
            error = driver => Err(error),
        }
    }
}

fn tls(webhook: &Webhook) -> Result<(Arc<ClientConfig>, ServerName<'static>), PosterError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &webhook.ca_file {
        let named = |error| PosterError::Authorities(file.clone(), error);
        for certificate in CertificateDer::pem_file_iter(file).map_err(named)? {
            roots.add(certificate.map_err(named)?)?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = webhook.url.host();
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| PosterError::Name(host.to_owned(), error))?;
    Ok((Arc::new(config), name))
}

#[cfg(test)]
#[path = "webhook_test.rs"]
mod tests;
