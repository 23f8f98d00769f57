//! Keys of requests for [`Algorithm::Hashed`](super::Algorithm): the same on every director that shares the seed, in
//! every version of this program, and not to be aimed from outside.

use std::net::IpAddr;

use lb_common::{abi::Address, flow_hash::split_mix};

/// By the client's address.
#[must_use]
pub fn source_key(seed: u64, client: IpAddr) -> u64 {
    let [high, low] = Address::from(client.to_canonical()).halves().lanes();
    split_mix(split_mix(split_mix(seed ^ 1) ^ high) ^ low)
}

/// By the target of a request: its path, or all of it, with the query.
#[must_use]
pub fn uri_key(seed: u64, target: &[u8], with_query: bool) -> u64 {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    bytes(seed ^ 2, if with_query { target } else { path })
}

/// By the value of a header.
#[must_use]
pub fn header_key(seed: u64, value: &[u8]) -> u64 {
    bytes(seed ^ 3, value)
}

fn bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = split_mix(seed ^ (bytes.len() as u64).rotate_left(32));
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = split_mix(hash ^ u64::from_le_bytes(word));
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_query_counts_where_it_is_asked_to() {
        let key = |target: &str, with_query| uri_key(7, target.as_bytes(), with_query);
        assert_eq!(key("/a?b", false), key("/a?c", false));
        assert_ne!(key("/a?b", true), key("/a?c", true));
        assert_eq!(key("/a", true), key("/a", false));
    }

    #[test]
    fn keys_depend_on_everything() {
        let values = ["", "\0", "a", "b", "aaaaaaaa", "aaaaaaaab", "aaaaaaaa\0"];
        let headers = values.iter().map(|value| header_key(7, value.as_bytes()));
        let seeds = (0..9).map(|seed| header_key(seed << 8, b"a"));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        let sources = ["10.0.0.1", "10.0.0.2", "::1"].map(|ip| source_key(7, ip.parse().unwrap()));
        let uris = [uri_key(7, b"a", true)];
        let keys: BTreeSet<_> = headers.chain(seeds).chain(sources).chain(uris).collect();
        assert_eq!(keys.len(), 7 + 9 + 3 + 1);
        assert_eq!(source_key(7, mapped), sources[0]);
    }
}
