//! Headers of both versions as a table, and every way to cut them.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{
    HeaderError::{Missing, V1, V2},
    crc32c::crc32c,
    *,
};
use crate::model::ProxyVersion;

fn proxied(source: &str, destination: &str) -> ProxyHeader {
    let [source, destination] = [source, destination].map(|end| end.parse().unwrap());
    ProxyHeader::Proxied(ProxiedAddresses { source, destination })
}

fn written(version: ProxyVersion, header: &ProxyHeader) -> Vec<u8> {
    let mut out = Vec::new();
    write_proxy_header(version, header, &mut out);
    out
}

/// A header of version 2.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [v2::SIGNATURE, &[command, family], &length, rest].concat()
}

const ENDS: [u8; 12] = [10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 1, 0xbb];

/// With a right checksum somewhere among other fields.
fn with_sum() -> Vec<u8> {
    let fields = [&[4, 0, 2, 0, 0][..], &[3, 0, 4, 0, 0, 0, 0], &[2, 0, 1, b'a']].concat();
    let mut header = v2(0x21, 0x11, &[&ENDS[..], &fields].concat());
    let sum = crc32c(header.iter().copied());
    let place = 16 + 12 + 5 + 3;
    header[place..place + 4].copy_from_slice(&sum.to_be_bytes());
    header
}

#[test]
fn headers_that_are_read() {
    let v4 = proxied("10.0.0.1:12345", "10.0.0.2:443");
    let v6 = proxied("[2001:db8::1]:0", "[::1]:65535");
    let v6_ends = [
        &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets()[..],
        &Ipv6Addr::LOCALHOST.octets(),
        &[0, 0, 255, 255],
    ];
    let longest = [&b"PROXY UNKNOWN "[..], &[b'f'; 91], b"\r\n"].concat();
    for (bytes, expected) in [
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 12345 443\r\n".to_vec(), v4),
        (b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n".to_vec(), v6),
        (b"PROXY UNKNOWN\r\n".to_vec(), ProxyHeader::Local),
        (b"PROXY UNKNOWN \xff\x00 whatever\r\n".to_vec(), ProxyHeader::Local),
        (longest, ProxyHeader::Local),
        (v2(0x21, 0x11, &ENDS), v4),
        (v2(0x21, 0x21, &v6_ends.concat()), v6),
        (v2(0x21, 0x11, &[&ENDS[..], &[0xee, 0, 1, 7, 4, 0, 0]].concat()), v4),
        (with_sum(), v4),
        // Nobody is spoken for: whatever comes with it is discarded.
        (v2(0x20, 0x00, &[]), ProxyHeader::Local),
        (v2(0x20, 0x11, &[1]), ProxyHeader::Local),
        (v2(0x20, 0xff, &[3, 0, 4]), ProxyHeader::Local),
        (v2(0x21, 0x00, &[9; 30]), ProxyHeader::Local),
        (v2(0x21, 0x31, &[0; 216]), ProxyHeader::Local),
        (v2(0x20, 0x00, &[0; MAX_PROXY_HEADER - 16]), ProxyHeader::Local),
    ] {
        let length = bytes.len();
        let stream = [&bytes[..], b"\r\nGET / HTTP/1.1"].concat();
        let done = Progress::Done { value: expected, length };
        assert_eq!(read_proxy_header(&stream), Ok(done), "{}", bytes.escape_ascii());
    }
}

#[test]
fn headers_that_are_refused() {
    use V1Error::{Address, Family, LineEnd, Port, Shape, TooLong};
    let mut sum = with_sum();
    *sum.last_mut().unwrap() ^= 1;
    let fields = |fields: &[u8]| v2(0x21, 0x11, &[&ENDS[..], fields].concat());
    let one_sum = [3, 0, 4, 0, 0, 0, 0];
    for (bytes, error) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), Missing),
        (b"PROXYTCP4 ".to_vec(), Missing),
        (b"proxy tcp4".to_vec(), Missing),
        (b"\r\n\r\n\0\r\nQUIX".to_vec(), Missing),
        (b"PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n".to_vec(), V1(Family)),
        (b"PROXY UNKNOWNS\r\n".to_vec(), V1(Family)),
        (b"PROXY \r\n".to_vec(), V1(Family)),
        (b"PROXY TCP4\r\n".to_vec(), V1(Shape)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n".to_vec(), V1(Shape)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n".to_vec(), V1(Shape)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n".to_vec(), V1(Shape)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 \xb2\r\n".to_vec(), V1(Shape)),
        (b"PROXY TCP4  10.0.0.1 10.0.0.2 1\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP4 10.0.0.01 10.0.0.2 1 2\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP4 ::1 ::2 1 2\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP6 10.0.0.1 ::2 1 2\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP6 [::1] ::2 1 2\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n".to_vec(), V1(Address)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 65536\r\n".to_vec(), V1(Port)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 +1 2\r\n".to_vec(), V1(Port)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n".to_vec(), V1(Port)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2  2\r\n".to_vec(), V1(Port)),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n".to_vec(), V1(LineEnd)),
        (b"PROXY TCP4 10.0.0.1\r10.0.0.2 1 2\r\n".to_vec(), V1(LineEnd)),
        ([&b"PROXY UNKNOWN "[..], &[b'f'; 92], b"\r\n"].concat(), V1(TooLong)),
        ([&b"PROXY UNKNOWN "[..], &[b'f'; 93]].concat(), V1(TooLong)),
        (v2(0x11, 0x11, &ENDS), V2(V2Error::Command(0x11))),
        (v2(0x22, 0x11, &ENDS), V2(V2Error::Command(0x22))),
        (v2(0x21, 0x12, &ENDS), V2(V2Error::Family(0x12))),
        (v2(0x21, 0x32, &[0; 216]), V2(V2Error::Family(0x32))),
        (v2(0x21, 0x41, &ENDS), V2(V2Error::Family(0x41))),
        (v2(0x21, 0x11, &ENDS[..11]), V2(V2Error::TooShort)),
        (v2(0x21, 0x21, &[0; 35]), V2(V2Error::TooShort)),
        (v2(0x20, 0, &[0; MAX_PROXY_HEADER - 15]), V2(V2Error::TooLong(MAX_PROXY_HEADER + 1))),
        (sum, V2(TlvError::Checksum.into())),
        (fields(&one_sum), V2(TlvError::Checksum.into())),
        (fields(&[one_sum, one_sum].concat()), V2(TlvError::TwoChecksums.into())),
        (fields(&[3, 0, 3, 0, 0, 0]), V2(TlvError::ChecksumLength(3).into())),
        (fields(&[4, 0]), V2(TlvError::Truncated.into())),
        (fields(&[4, 0, 2, 0]), V2(TlvError::Truncated.into())),
    ] {
        assert_eq!(read_proxy_header(&bytes), Err(error), "{}", bytes.escape_ascii());
    }
}

#[test]
fn headers_that_are_written() {
    use ProxyVersion::{V1, V2};
    let v4 = proxied("10.0.0.1:12345", "10.0.0.2:443");
    assert_eq!(written(V1, &v4), b"PROXY TCP4 10.0.0.1 10.0.0.2 12345 443\r\n");
    assert_eq!(written(V2, &v4), v2(0x21, 0x11, &ENDS));
    assert_eq!(written(V1, &ProxyHeader::Local), b"PROXY UNKNOWN\r\n");
    assert_eq!(written(V2, &ProxyHeader::Local), v2(0x20, 0, &[]));
    // A client of IPv4 at a listener on `[::]`; and one whose VIP is of the other family.
    let mapped = proxied("[::ffff:10.0.0.1]:12345", "[::ffff:10.0.0.2]:443");
    assert_eq!(written(V2, &mapped), written(V2, &v4));
    let mixed = proxied("10.0.0.1:1", "[2001:db8::2]:443");
    assert_eq!(written(V1, &mixed), b"PROXY TCP6 ::ffff:10.0.0.1 2001:db8::2 1 443\r\n");
    let widest = proxied(
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
    );
    assert!(written(V1, &widest).len() <= 107);
}

fn addresses() -> impl Strategy<Value = ProxyHeader> {
    let v4 = any::<[(u32, u16); 2]>().prop_map(|ends| {
        ends.map(|(address, port)| SocketAddr::from((Ipv4Addr::from(address), port)))
    });
    let v6 = any::<[(u128, u16); 2]>().prop_map(|ends| {
        ends.map(|(address, port)| SocketAddr::from((Ipv6Addr::from(address), port)))
    });
    prop_oneof![v4, v6].prop_map(|[source, destination]| {
        ProxyHeader::Proxied(ProxiedAddresses { source, destination })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_however_it_is_cut(
        header in addresses(), second in any::<bool>(), after in ".{0,8}",
    ) {
        let version = if second { ProxyVersion::V2 } else { ProxyVersion::V1 };
        let bytes = written(version, &header);
        for cut in 0..bytes.len() {
            prop_assert_eq!(read_proxy_header(&bytes[..cut]), Ok(Progress::More), "{} bytes", cut);
        }
        let stream = [&bytes[..], after.as_bytes()].concat();
        let done = Progress::Done { value: header, length: bytes.len() };
        prop_assert_eq!(read_proxy_header(&stream), Ok(done));
    }

    #[test]
    fn what_was_decided_stays(at in any::<prop::sample::Index>(), with in any::<u8>(), text in any::<bool>()) {
        let mut bytes =
            if text { b"PROXY TCP4 10.0.0.1 10.0.0.2 12345 443\r\n".to_vec() } else { with_sum() };
        let at = at.index(bytes.len());
        bytes[at] = with;
        let whole = read_proxy_header(&bytes);
        for cut in 0..bytes.len() {
            let part = read_proxy_header(&bytes[..cut]);
            prop_assert!(part == Ok(Progress::More) || part == whole, "{}: {:?}", cut, part);
        }
    }

    #[test]
    fn a_flipped_bit_under_a_checksum_is_seen(
        at in prop_oneof![16_usize..28, 36_usize..40], bit in 0_u32..8,
    ) {
        // In the addresses, or in the sum itself.
        let mut bytes = with_sum();
        bytes[at] ^= 1 << bit;
        prop_assert!(read_proxy_header(&bytes).is_err());
    }
}
