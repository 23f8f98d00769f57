//! Preambles to test with, written by hand.

/// A ClientHello with these extensions, in records with at most so many bytes of it each.
pub(crate) fn hello_in(extensions: &[(u16, Vec<u8>)], bytes: usize) -> Vec<u8> {
    records(&message(extensions), bytes)
}

/// A ClientHello with these extensions, in one record.
pub(crate) fn hello(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    hello_in(extensions, 16_384)
}

/// The extension `server_name` with one name.
pub(crate) fn sni(name: &[u8]) -> (u16, Vec<u8>) {
    (0, long([&[0], &long(name.to_vec())[..]].concat()))
}

/// The extension for these protocols.
pub(crate) fn alpn(protocols: &[&[u8]]) -> (u16, Vec<u8>) {
    let list = protocols.iter().flat_map(|name| short(name)).collect();
    (16, long(list))
}

fn message(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let extension =
        |(kind, data): &(u16, Vec<u8>)| [&kind.to_be_bytes()[..], &long(data.clone())].concat();
    let list: Vec<u8> = extensions.iter().flat_map(extension).collect();
    let parts = [
        vec![3, 3],
        vec![0x5a; 32],
        short(&[0x77; 32]),
        long(vec![0x13, 0x01, 0xc0, 0x2b]),
        short(&[0]),
        if extensions.is_empty() { Vec::new() } else { long(list) },
    ];
    let body = parts.concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1], &length[1..], &body].concat()
}

/// Handshake records with at most so many bytes each.
pub(crate) fn records(message: &[u8], bytes: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1], &long(part.to_vec())[..]].concat();
    message.chunks(bytes).flat_map(record).collect()
}

pub(crate) fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

pub(crate) fn long(bytes: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [length.to_vec(), bytes].concat()
}
