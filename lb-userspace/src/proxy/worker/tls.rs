//! TLS of services and pools, as data threads do it: certificates, and tickets and sessions that outlive a reload.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    crypto::aws_lc_rs::{self, Ticketer},
    server::ProducesTickets,
    sign::CertifiedKey,
};

use super::message::{Configuration, Pool};
use crate::{
    certificates::{AuthoritiesError, Certificate, SniTable, read_authorities, read_bundle},
    config::{Certificates, TlsFiles},
    model::{Name, PoolTls, Service, ServiceTls, TlsCheck, TlsVersions},
    proxy::{
        settings::Settings,
        tls::{Clients, ServerTls, ServerTlsSettings, Tls, TlsSettings, Versions},
    },
};

/// What goes on through a reload.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Who makes the tickets of each service, by what it asks of clients: a ticket that one policy has given is nothing to
    /// another one, under whose rules its client was never looked at.
    services: BTreeMap<Policy, Arc<dyn ProducesTickets>>,
    /// With what it is made of: a pool that is as before goes on with its connections and sessions.
    pools: BTreeMap<Name, (Ingredients, ServerTls)>,
}

/// What TLS with servers is made of.
type Ingredients = (PoolTls, TlsFiles);

/// A service, the authorities of its clients, and whether they may show nothing.
type Policy = (Name, Option<(String, bool)>);

impl Kept {
    /// Gives the services and pools of a configuration their TLS. Who goes on by the same policy knows the tickets that it gave.
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
            let tickets = match self.services.get(&policy) {
                Some(known) => Arc::clone(known),
                None => Ticketer::new().map_err(|error| words(&error))?,
            };
            next.services.insert(policy, Arc::clone(&tickets));
            let clients = clients.map(|(clients, pem)| {
                let authorities = Arc::new(read_authorities(pem)?);
                Ok::<_, AuthoritiesError>(Clients { authorities, optional: clients.optional })
            });
            let made = Tls::new(TlsSettings {
                certificates: Arc::new(table(tls, files).map_err(|error| words(&error))?),
                versions: tls.versions.into(),
                tickets,
                clients: clients.transpose().map_err(|error| words(&error))?,
            });
            settings.tls = Some(made.map_err(|error| words(&error))?);
        }
        for (pool, settings) in configuration.pools.iter().zip(&mut settings.pools) {
            let name = &pool.members.pool;
            let made = self.of_pool(pool, &configuration.certificates);
            let Some((ingredients, tls)) = made.map_err(|error| format!("{name}: {error}"))? else {
                continue;
            };
            settings.tls = Some(tls.clone());
            next.pools.insert(name.clone(), (ingredients, tls));
        }
        Ok(next)
    }

    fn of_pool(
        &self,
        Pool { proxy, members, .. }: &Pool,
        certificates: &Certificates,
    ) -> Result<Option<(Ingredients, ServerTls)>, String> {
        let Some(tls) = &proxy.tls else { return Ok(None) };
        let mut files = certificates.pools.get(&members.pool).cloned().unwrap_or_default();
        if tls.trusts_as_this_host() {
            files.authorities.clone_from(&certificates.trusted);
        }
        let ingredients = (tls.clone(), files);
        let known = self.pools.get(&members.pool).filter(|(known, _)| *known == ingredients);
        let made = match known {
            Some((_, made)) => made.clone(),
            None => servers(&ingredients)?,
        };
        Ok(Some((ingredients, made)))
    }
}

fn servers((tls, files): &Ingredients) -> Result<ServerTls, String> {
    let authorities = match (&tls.verify, &files.authorities) {
        (TlsCheck::Unverified(_), _) => None,
        (TlsCheck::Verified(_), Some(pem)) => {
            Some(Arc::new(read_authorities(pem).map_err(|error| error.to_string())?))
        }
        (TlsCheck::Verified(_), None) => return Err("no authority is trusted".to_owned()),
    };
    let certificate = certificates(files)?.pop();
    ServerTls::new(ServerTlsSettings {
        authorities,
        name: tls.verify.name().map(|name| name.dns().clone()),
        certificate: certificate.map(|certificate| CertifiedKey::clone(&certificate.key)),
        versions: tls.versions.into(),
    })
    .map_err(|error| error.to_string())
}

impl From<TlsVersions> for Versions {
    fn from(versions: TlsVersions) -> Self {
        match versions {
            TlsVersions::Both => Self::Both,
            TlsVersions::Tls12 => Self::Tls12,
            TlsVersions::Tls13 => Self::Tls13,
        }
    }
}

fn of_service<'a>(
    service: &'a Service,
    configuration: &'a Configuration,
) -> Option<(&'a ServiceTls, &'a TlsFiles)> {
    let tls = service.proxy.as_ref()?.tls.as_ref()?;
    Some((tls, configuration.certificates.services.get(&service.name)?))
}

fn table(tls: &ServiceTls, files: &TlsFiles) -> Result<SniTable, String> {
    Ok(SniTable::new(certificates(files)?, tls.strict_sni))
}

fn certificates(files: &TlsFiles) -> Result<Vec<Certificate>, String> {
    let provider = aws_lc_rs::default_provider();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let certificates = files.bundles.iter().map(|(source, pem)| {
        let read = read_bundle(source, pem.as_bytes(), now, &provider);
        read.map(|(certificate, _)| certificate).map_err(|error| format!("{source}: {error}"))
    });
    certificates.collect()
}
