//! Which certificate a client is shown: by the name that it asks for, and by what it can verify.

use std::{collections::HashMap, fmt, sync::Arc};

use rustls::{
    SignatureScheme,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{bundle::Certificate, leaf::NamePattern};
use crate::preamble::HostName;

/// The certificates of one listener.
///
/// A name is looked for as it is, then as a wildcard (one label), and then there is the first certificate, unless the
/// table is strict. Of several for one name the client is shown one that it can verify, ECDSA before RSA; of two of one
/// kind, the one that was given first.
#[derive(Clone, Default)]
pub struct SniTable {
    certificates: Vec<Certificate>,
    /// Indices, by [`KeyKind`](super::KeyKind) and then in the order that they were given in.
    by_name: HashMap<NamePattern, Vec<usize>>,
    default: Vec<usize>,
}

impl SniTable {
    /// Of these certificates, in the order of the configuration. `strict`: clients that ask for another name, or for
    /// none, are shown nothing.
    #[must_use]
    pub fn new(certificates: Vec<Certificate>, strict: bool) -> Self {
        let mut by_name: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, certificate) in certificates.iter().enumerate() {
            for name in &certificate.names {
                by_name.entry(name.clone()).or_default().push(index);
            }
        }
        // Beside the first one, those of other kinds for the same names: RSA and ECDSA in two files.
        let first = certificates.first().filter(|_| !strict);
        let beside = |first: &Certificate| {
            let same = |one: &Certificate| one.names == first.names;
            (0..certificates.len())
                .filter(|&index| index == 0 || same(&certificates[index]))
                .collect()
        };
        let mut default: Vec<_> = first.map(beside).unwrap_or_default();
        let order = |index: &usize| (certificates[*index].kind, *index);
        by_name.values_mut().for_each(|indices| indices.sort_by_key(order));
        default.sort_by_key(order);
        Self { certificates, by_name, default }
    }

    /// The one for a client that asks for this name and can verify these signatures. Where it can verify none, it is
    /// shown the last one, and says itself what it does not like.
    #[must_use]
    pub fn find(
        &self,
        name: Option<&HostName>,
        schemes: &[SignatureScheme],
    ) -> Option<&Certificate> {
        let indices = name.and_then(|name| self.named(name)).unwrap_or(&self.default);
        let mut all = indices.iter().filter_map(|&index| self.certificates.get(index));
        let fits = |one: &&Certificate| one.key.key.choose_scheme(schemes).is_some();
        all.clone().find(fits).or_else(|| all.next_back())
    }

    fn named(&self, name: &HostName) -> Option<&Vec<usize>> {
        let exact = self.by_name.get(&NamePattern::Exact(name.clone()));
        exact.or_else(|| {
            let parent = name.parent()?.parse().ok()?;
            self.by_name.get(&NamePattern::Wildcard(parent))
        })
    }

    /// Certificates that nobody is ever shown: others of the same kind for the same names were given before. The file, and
    /// the one that hides it.
    #[must_use]
    pub fn hidden(&self) -> Vec<(&str, &str)> {
        let first = |index: usize, name: &NamePattern| {
            let kind = self.certificates[index].kind;
            self.by_name[name].iter().copied().find(|&other| self.certificates[other].kind == kind)
        };
        let hider = |(index, one): (usize, &Certificate)| {
            let mut firsts = one.names.iter().filter_map(|name| first(index, name));
            let hider = firsts.next().filter(|&other| other != index)?;
            let seen = self.default.contains(&index) || firsts.any(|other| other == index);
            (!seen).then(|| self.certificates[hider].source.as_str())
        };
        let all = self.certificates.iter().enumerate();
        all.filter_map(|(index, one)| Some((one.source.as_str(), hider((index, one))?))).collect()
    }
}

impl fmt::Debug for SniTable {
    /// Nothing of the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.certificates).finish()
    }
}

impl ResolvesServerCert for SniTable {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| name.parse().ok());
        let found = self.find(name.as_ref(), hello.signature_schemes())?;
        Some(Arc::clone(&found.key))
    }
}
