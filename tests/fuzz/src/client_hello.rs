//! What must hold of whatever comes where a ClientHello is expected.

use std::{io, sync::Arc};

use lb_userspace::preamble::{MAX_HELLO, Opening, Progress, detect, read_client_hello};
use rustls::{ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs, server::Acceptor};

/// Checks these bytes.
///
/// # Panics
/// Where something does not hold.
pub fn check(bytes: &[u8]) {
    let whole = read_client_hello(bytes);
    for cut in 0..bytes.len() {
        let part = read_client_hello(&bytes[..cut]);
        assert!(
            part == Ok(Progress::More) || part == whole,
            "{part:?} after {cut}, then {whole:?}"
        );
    }
    match &whole {
        Ok(Progress::More) => assert!(bytes.len() < MAX_HELLO, "no end of it"),
        Ok(Progress::Done { length, .. }) => {
            assert!(*length <= bytes.len().min(MAX_HELLO), "behind the end");
            assert_eq!(detect(bytes), Some(Opening::Tls));
        }
        Err(_) => {}
    }
    let Some((name, protocols)) = rustls_says(bytes) else { return };
    match whole {
        Ok(Progress::Done { value, .. }) => {
            let ours = value.server_name.map(|name| name.to_string());
            // A name with a dot at its end is the same name.
            let theirs = name.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
            assert_eq!(ours, theirs, "the server name");
            let ours: Vec<_> = value.alpn.iter().map(<[u8]>::to_vec).collect();
            assert_eq!(ours, protocols, "the protocols");
        }
        // Larger than ours may be; names that rustls forgets about are refused here.
        Ok(Progress::More) => panic!("rustls has seen all of it"),
        Err(_) => assert!(name.is_none() || bytes.len() > MAX_HELLO, "rustls accepts {name:?}"),
    }
}

/// Server name and protocols, of a hello that rustls accepts.
fn rustls_says(mut bytes: &[u8]) -> Option<(Option<String>, Vec<Vec<u8>>)> {
    let mut acceptor = Acceptor::default();
    while !bytes.is_empty() {
        acceptor.read_tls(&mut bytes).ok()?;
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                let protocols = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec);
                return Some((hello.server_name().map(str::to_owned), protocols.collect()));
            }
            Ok(None) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Writes hellos of rustls to where `cargo xtask fuzz` wants seeds.
///
/// # Errors
/// The file system's.
pub fn write() -> io::Result<()> {
    crate::seeds::put(seeds())
}

fn seeds() -> Vec<Vec<u8>> {
    let hello = |name: &str, protocols: &[&[u8]], fragment| {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("its own versions")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        config.max_fragment_size = fragment;
        let name = name.to_owned().try_into().expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory takes it");
        bytes
    };
    vec![
        hello("www.example.org", &[], None),
        hello("www.example.org", &[b"h2", b"http/1.1"], None),
        hello("10.9.0.1", &[b"postgresql"], None),
        hello("WWW.example.org.", &[b"h2"], Some(100)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_is_a_hello_for_both_readers() {
        for seed in seeds() {
            check(&seed);
            assert!(rustls_says(&seed).is_some());
        }
    }
}
