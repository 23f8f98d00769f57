//! TLS with the servers of a pool: by what, and the handshake.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;

use rustls::client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier};
use rustls::pki_types::{DnsName, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::net::TcpStream;

use super::settings::{TlsError, Versions, provider};
use super::stream::TlsStream;
use crate::certificates::{AnyCertificate, HandshakeError};
use crate::proxy::context::Context;
use crate::proxy::timers::Timer;

/// Read at a time: a certificate with its chain.
const READ: usize = 16 * 1024;
/// Sessions that are remembered of each pool, to be taken up again.
const SESSIONS: usize = 256;

/// Of a pool; all threads have the same.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<ClientConfig>,
    name: Option<DnsName<'static>>,
}

/// What it is made of.
#[derive(Debug)]
pub struct ServerTlsSettings {
    /// Whose certificates are good; `None`: anybody's, whatever stands in them.
    pub authorities: Option<Arc<RootCertStore>>,
    /// The name that servers are asked for, and that their certificates must be for; `None`: their addresses, which are
    /// not sent.
    pub name: Option<DnsName<'static>>,
    /// What servers are shown that ask for a certificate.
    pub certificate: Option<CertifiedKey>,
    /// The versions that are spoken.
    pub versions: Versions,
}

/// The same, not just alike: what is made anew may be by other certificates.
impl PartialEq for ServerTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl ServerTls {
    /// Makes use of these.
    ///
    /// # Errors
    /// The library refuses them.
    pub fn new(settings: ServerTlsSettings) -> Result<Self, TlsError> {
        let ServerTlsSettings { authorities, name, certificate, versions } = settings;
        let provider = Arc::new(provider());
        let verifier: Arc<dyn ServerCertVerifier> = match authorities {
            None => Arc::new(AnyCertificate::new(&provider)),
            Some(authorities) => {
                WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider))
                    .build()
                    .map_err(TlsError::Servers)?
            }
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions.supported())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
        };
        // Nothing is offered by ALPN, as HAProxy does: servers speak HTTP/1.1 then.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Self { config: Arc::new(config), name })
    }

    fn name(&self, address: IpAddr) -> ServerName<'static> {
        match &self.name {
            Some(name) => ServerName::DnsName(name.clone()),
            None => ServerName::IpAddress(address.into()),
        }
    }
}

/// Why there is no connection by TLS.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum NoTls {
    /// It took too long.
    #[error("the TLS handshake was not over in time")]
    TooLate,
    /// The two do not come together.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The connection broke.
    #[error("connection broken within the TLS handshake: {0}")]
    Broken(io::Error),
}

/// Makes a TLS connection of a connection, before the deadline that `timer` is set to.
pub(in crate::proxy) async fn connect(
    context: &Context,
    io: TcpStream,
    tls: &ServerTls,
    address: IpAddr,
    timer: &Timer,
) -> Result<TlsStream<ClientConnection>, NoTls> {
    let name = tls.name(address);
    let words = name.to_str().into_owned();
    let connection = ClientConnection::new(Arc::clone(&tls.config), name)
        .map_err(|error| HandshakeError::of(error, &words))?;
    let mut stream = TlsStream::new(io, connection);
    let done = poll_fn(|cx| {
        loop {
            match stream.poll_send(cx) {
                Poll::Ready(result) => result.map_err(NoTls::Broken)?,
                Poll::Pending => return timer.poll(cx).map(|()| Err(NoTls::TooLate)),
            }
            if !stream.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = context.scratch.borrow_mut();
            match stream.poll_take_in(cx, &mut scratch[..READ]) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Err(HandshakeError::Closed.into())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(of(error, &words))),
                Poll::Pending => return timer.poll(cx).map(|()| Err(NoTls::TooLate)),
            }
        }
    });
    done.await?;
    Ok(stream)
}

fn of(error: io::Error, name: &str) -> NoTls {
    match error.downcast::<rustls::Error>() {
        Ok(error) => HandshakeError::of(error, name).into(),
        Err(error) => NoTls::Broken(error),
    }
}
