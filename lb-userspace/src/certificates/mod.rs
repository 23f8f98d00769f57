//! Certificates that the proxy shows to clients: files as people have them, and which one a client is shown; and what is
//! wrong with those that servers show.
//!
//! Pure: the shell reads files and folders and hands over their names and bytes; what is wrong with one is said in words
//! that name the file and the remedy. Keys are given to rustls at once; nothing here shows or writes one.

mod any;
mod authorities;
mod bundle;
mod expiry;
mod handshake;
mod leaf;
mod table;

pub use self::{
    any::AnyCertificate,
    authorities::{AuthoritiesError, read_authorities},
    bundle::{BundleError, Certificate, MAX_BUNDLE, Warning, read_bundle},
    expiry::Expiry,
    handshake::HandshakeError,
    leaf::{KeyKind, NamePattern, Validity},
    table::SniTable,
};

#[cfg(test)]
mod tests;
