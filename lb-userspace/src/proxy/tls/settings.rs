//! By what a service does TLS with its clients.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier,
    danger::ClientCertVerifier,
};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use crate::certificates::SniTable;

/// The only protocol that clients can have above TLS.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Of a service; all threads have the same.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For clients that offer HTTP/1.1 by ALPN.
    named: Arc<ServerConfig>,
    /// For those that offer nothing, or nothing of what there is: rustls would refuse them, and HAProxy goes on.
    unnamed: Arc<ServerConfig>,
}

/// What it is made of.
#[derive(Debug)]
pub struct TlsSettings {
    /// What clients are shown.
    pub certificates: Arc<SniTable>,
    /// The versions that are spoken.
    pub versions: Versions,
    /// Who makes tickets, and knows them again: not the same for two policies about certificates of clients.
    pub tickets: Arc<dyn ProducesTickets>,
    /// Who may be a client; `None`: anybody, unseen.
    pub clients: Option<Clients>,
}

/// Clients that show certificates.
#[derive(Clone, Debug)]
pub struct Clients {
    /// From these authorities.
    pub authorities: Arc<RootCertStore>,
    /// Who shows none is let in, too.
    pub optional: bool,
}

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Of rustls.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// The authorities of clients.
    #[error("the authorities of clients cannot be used: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
    /// The authorities of servers.
    #[error("the authorities of servers cannot be used: {0}")]
    Servers(rustls::client::VerifierBuilderError),
}

impl Versions {
    pub(super) fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&version::TLS13, &version::TLS12],
            Self::Tls12 => vec![&version::TLS12],
            Self::Tls13 => vec![&version::TLS13],
        }
    }
}

impl Tls {
    /// Makes use of these.
    ///
    /// # Errors
    /// The library refuses them.
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&settings.versions.supported())?;
        let builder = match settings.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(verifier(clients, provider)?),
        };
        let mut config = builder.with_cert_resolver(settings.certificates);
        // Tickets need no memory here, and every thread knows them.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = settings.tickets;
        config.send_tls13_tickets = 1;
        // No early data: it can be played again.
        config.max_early_data_size = 0;
        let unnamed = Arc::new(config.clone());
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self { named: Arc::new(config), unnamed })
    }

    /// The one for this client.
    pub(super) fn config(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let offered = hello.alpn().is_some_and(|mut all| all.any(|one| one == HTTP_1_1));
        Arc::clone(if offered { &self.named } else { &self.unnamed })
    }
}

fn verifier(
    Clients { authorities, optional }: Clients,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let builder = WebPkiClientVerifier::builder_with_provider(authorities, provider);
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    Ok(builder.build()?)
}

/// X25519MLKEM768, which holds against quantum computers, is among its groups.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}
