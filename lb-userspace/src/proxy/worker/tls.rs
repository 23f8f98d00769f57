//! TLS of services, as data threads do it: certificates, and tickets that outlive a reload.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    crypto::aws_lc_rs::{self, Ticketer},
    server::ProducesTickets,
};

use super::message::Configuration;
use crate::{
    certificates::{AuthoritiesError, SniTable, read_authorities, read_bundle},
    config::TlsFiles,
    model::{Name, Service, ServiceTls, TlsVersions},
    proxy::{
        settings::Settings,
        tls::{Clients, Tls, TlsSettings, Versions},
    },
};

/// Who makes the tickets of each service, by what it asks of clients: a ticket that one policy has given is nothing to
/// another one, under whose rules its client was never looked at.
#[derive(Debug, Default)]
pub(super) struct Tickets(BTreeMap<Policy, Arc<dyn ProducesTickets>>);

/// A service, the authorities of its clients, and whether they may show nothing.
type Policy = (Name, Option<(String, bool)>);

impl Tickets {
    /// Gives the services of a configuration their TLS. Who goes on by the same policy knows the tickets that it gave.
    ///
    /// # Errors
    /// A file that cannot be used after all.
    pub(super) fn follow(
        &self,
        configuration: &Configuration,
        settings: &mut Settings,
    ) -> Result<Self, String> {
        let mut next = Self::default();
        for (service, settings) in configuration.services.iter().zip(&mut settings.services) {
            let Some((tls, files)) = of_service(service, configuration) else { continue };
            let name = &service.name;
            let words = |error: &dyn std::fmt::Display| format!("{name}: {error}");
            let clients = tls.clients.as_ref().zip(files.authorities.as_ref());
            let asked = clients.map(|(clients, pem)| (pem.clone(), clients.optional));
            let policy = (name.clone(), asked);
            let tickets = match self.0.get(&policy) {
                Some(known) => Arc::clone(known),
                None => Ticketer::new().map_err(|error| words(&error))?,
            };
            next.0.insert(policy, Arc::clone(&tickets));
            let clients = clients.map(|(clients, pem)| {
                let authorities = Arc::new(read_authorities(pem)?);
                Ok::<_, AuthoritiesError>(Clients { authorities, optional: clients.optional })
            });
            let made = Tls::new(TlsSettings {
                certificates: Arc::new(table(tls, files).map_err(|error| words(&error))?),
                versions: match tls.versions {
                    TlsVersions::Both => Versions::Both,
                    TlsVersions::Tls12 => Versions::Tls12,
                    TlsVersions::Tls13 => Versions::Tls13,
                },
                tickets,
                clients: clients.transpose().map_err(|error| words(&error))?,
            });
            settings.tls = Some(made.map_err(|error| words(&error))?);
        }
        Ok(next)
    }
}

fn of_service<'a>(
    service: &'a Service,
    configuration: &'a Configuration,
) -> Option<(&'a ServiceTls, &'a TlsFiles)> {
    let tls = service.proxy.as_ref()?.tls.as_ref()?;
    Some((tls, configuration.certificates.get(&service.name)?))
}

fn table(tls: &ServiceTls, files: &TlsFiles) -> Result<SniTable, String> {
    let provider = aws_lc_rs::default_provider();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let certificates = files.bundles.iter().map(|(source, pem)| {
        let read = read_bundle(source, pem.as_bytes(), now, &provider);
        read.map(|(certificate, _)| certificate).map_err(|error| format!("{source}: {error}"))
    });
    Ok(SniTable::new(certificates.collect::<Result<_, _>>()?, tls.strict_sni))
}
