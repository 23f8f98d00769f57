//! What must hold of whatever comes where a header of the PROXY protocol is expected.

use std::io;

use lb_userspace::{
    model::ProxyVersion,
    preamble::{
        MAX_PROXY_HEADER, Progress, ProxiedAddresses, ProxyHeader, read_proxy_header,
        write_proxy_header,
    },
};

const VERSIONS: [ProxyVersion; 2] = [ProxyVersion::V1, ProxyVersion::V2];

/// Checks these bytes.
///
/// # Panics
/// Where something does not hold.
pub fn check(bytes: &[u8]) {
    let whole = read_proxy_header(bytes);
    for cut in 0..bytes.len() {
        let part = read_proxy_header(&bytes[..cut]);
        assert!(
            part == Ok(Progress::More) || part == whole,
            "{part:?} after {cut}, then {whole:?}"
        );
    }
    match whole {
        Ok(Progress::More) => assert!(bytes.len() < MAX_PROXY_HEADER, "no end of it"),
        Ok(Progress::Done { value, length }) => {
            assert!(length <= bytes.len().min(MAX_PROXY_HEADER), "behind the end");
            for version in VERSIONS {
                let mut again = Vec::new();
                write_proxy_header(version, &value, &mut again);
                let length = again.len();
                let value = plain(value);
                assert_eq!(read_proxy_header(&again), Ok(Progress::Done { value, length }));
            }
        }
        Err(_) => {}
    }
}

/// As it is written: mapped addresses are those of IPv4 where both are.
fn plain(header: ProxyHeader) -> ProxyHeader {
    let ProxyHeader::Proxied(ProxiedAddresses { mut source, mut destination }) = header else {
        return header;
    };
    let [from, to] = [source, destination].map(|end| end.ip().to_canonical());
    if from.is_ipv4() && to.is_ipv4() {
        source.set_ip(from);
        destination.set_ip(to);
    }
    ProxyHeader::Proxied(ProxiedAddresses { source, destination })
}

/// Writes a header of each kind to where `cargo xtask fuzz` wants seeds.
///
/// # Errors
/// The file system's.
pub fn write() -> io::Result<()> {
    crate::seeds::put(seeds())
}

fn seeds() -> Vec<Vec<u8>> {
    let ends = [("10.0.0.1:12345", "10.0.0.2:443"), ("[2001:db8::1]:1", "[::1]:65535")];
    let proxied = ends.map(|(source, destination)| {
        let [source, destination] = [source, destination].map(|end| end.parse().expect("an end"));
        ProxyHeader::Proxied(ProxiedAddresses { source, destination })
    });
    let headers = [proxied[0], proxied[1], ProxyHeader::Local];
    let mut seeds = Vec::new();
    for version in VERSIONS {
        for header in &headers {
            let mut bytes = Vec::new();
            write_proxy_header(version, header, &mut bytes);
            seeds.push(bytes);
        }
    }
    // A right checksum, from a sender of another make (section 2.2.3).
    let ends = [10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 1, 0xbb];
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13";
    seeds.push([&head[..], &ends, &[3, 0, 4, 0x49, 0x27, 0x7a, 0x57]].concat());
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_is_a_header() {
        for seed in seeds() {
            check(&seed);
            let found = read_proxy_header(&seed);
            assert!(matches!(found, Ok(Progress::Done { .. })), "{found:?}: {seed:02x?}");
        }
    }
}
