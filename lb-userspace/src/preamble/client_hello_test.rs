//! Hellos of other programs, broken ones, and every way to cut them.

use proptest::{collection::vec, prelude::*};

use super::{HelloError::*, *};
use crate::preamble::samples::{alpn, hello, hello_in, long, records, short, sni};

fn read(bytes: &[u8]) -> Result<ClientHello, HelloError> {
    match read_client_hello(bytes)? {
        Progress::Done { value, length } => {
            assert_eq!(length, bytes.len());
            Ok(value)
        }
        Progress::More => panic!("not all of it"),
    }
}

fn name(text: &str) -> Option<HostName> {
    Some(text.parse().unwrap())
}

#[test]
fn the_name_and_the_protocols() {
    let found = read(&hello(&[
        (10, vec![0, 2, 0, 29]),
        sni(b"DB.Example.org"),
        (0x3a3a, vec![]),
        alpn(&[b"h2", b"http/1.1"]),
    ]));
    let found = found.unwrap();
    assert_eq!(found.server_name, name("db.example.org"));
    assert_eq!(found.alpn.iter().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
    assert!(found.alpn.offers(b"h2") && !found.alpn.offers(b"h3") && !found.alpn.offers(b""));
    // Without extensions, as old clients have it; with others only; with an address for a name.
    for extensions in [vec![], vec![(10, vec![0, 2, 0, 29])], vec![sni(b"10.0.0.7")]] {
        assert_eq!(read(&hello(&extensions)), Ok(ClientHello::default()));
    }
}

#[test]
fn a_hello_of_rustls_is_read() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let host = "pg.example.org".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(config.into(), host).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    let found = read(&bytes).unwrap();
    assert_eq!(
        (&found.server_name, found.alpn.offers(b"postgresql")),
        (&name("pg.example.org"), true)
    );
}

#[test]
fn what_is_refused() {
    let twice = [sni(b"a.org"), sni(b"b.org")];
    let two_names = (0, long([&[0], &long(b"a.org".to_vec())[..]].concat().repeat(2)));
    let mut longer = hello(&[sni(b"a.org")]);
    *longer.last_mut().unwrap() = b'g';
    let end = longer.len() - 8;
    longer[end] = 200;
    for (bytes, error) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), NotTls),
        (b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), NotTls),
        (b"\x16\x02".to_vec(), NotTls),
        (b"\x16\x03\x01\x00\x00".to_vec(), Record),
        (b"\x16\x03\x01\x40\x01".to_vec(), Record),
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00".to_vec(), Message(2)),
        (b"\x16\x03\x01\x00\x04\x01\x00\x40\x00".to_vec(), TooLong),
        // The rest of it comes in a record of another type, or in none.
        (b"\x16\x03\x01\x00\x04\x01\x00\x00\x09\x17\x03\x03".to_vec(), Record),
        (b"\x16\x03\x01\x00\x04\x01\x00\x00\x09\x16\x03\x03\x00\x00".to_vec(), Record),
        (records(&[1, 0, 0, 2, 3, 3], 100), Malformed),
        (hello(&twice), Twice),
        (hello(&[alpn(&[b"h2"]), alpn(&[b"h3"])]), Twice),
        (hello(&[two_names]), Malformed),
        (hello(&[(0, vec![])]), Malformed),
        (hello(&[(0, long(vec![]))]), Malformed),
        (hello(&[(0, long([vec![1], long(b"a.org".to_vec())].concat()))]), Malformed),
        (hello(&[alpn(&[])]), Malformed),
        (hello(&[alpn(&[b""])]), Malformed),
        (hello(&[(16, long(vec![9, b'h']))]), Malformed),
        (hello(&[(16, [long(short(b"h2")), vec![0]].concat())]), Malformed),
        (longer, Malformed),
        (hello(&[sni(b"a..b")]), Name(HostNameError::Label(0))),
        (hello(&[sni(b"a b")]), Name(HostNameError::Character(b' '))),
        (hello(&[sni(b"")]), Name(HostNameError::Length(0))),
        (hello(&[(21, vec![0; 16_300]), sni(b"a.org")]), TooLong),
    ] {
        let found = read_client_hello(&bytes);
        assert_eq!(found, Err(error), "{}", bytes[..bytes.len().min(90)].escape_ascii());
    }
}

#[test]
fn the_heads_of_records_count() {
    // Its length would fit; as soon as it is clear that its records do not, it is refused.
    let many = hello_in(&[(21, vec![0; 16_000])], 3);
    let first = (0..many.len()).find(|&cut| read_client_hello(&many[..cut]).is_err());
    let first = first.unwrap();
    assert!(first < MAX_HELLO / 10, "{first}");
    assert_eq!(read_client_hello(&many[..first]), Err(TooLong));
    assert_eq!(read_client_hello(&many), Err(TooLong));
}

#[test]
fn the_largest_hello_is_read() {
    let largest = |padding| hello(&[sni(b"a.org"), (21, vec![0; padding])]);
    let spare = MAX_HELLO - largest(0).len();
    assert_eq!(read(&largest(spare)).unwrap().server_name, name("a.org"));
    assert_eq!(read_client_hello(&largest(spare + 1)), Err(TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_and_segments_do_not_matter(
        label in "[a-z0-9]{1,20}", padding in 0_usize..200, bytes in 1_usize..400,
        after in vec(any::<u8>(), 0..20),
    ) {
        let extensions =
            [(21, vec![0; padding]), sni(format!("{label}.example").as_bytes()), alpn(&[b"h2"])];
        let whole = hello_in(&extensions, bytes);
        let expected = read(&hello(&extensions)).unwrap();
        for cut in 0..whole.len() {
            prop_assert_eq!(read_client_hello(&whole[..cut]), Ok(Progress::More), "{} bytes", cut);
        }
        let stream = [&whole[..], &after].concat();
        let done = Progress::Done { value: expected, length: whole.len() };
        prop_assert_eq!(read_client_hello(&stream), Ok(done));
    }

    #[test]
    fn what_was_decided_stays(
        at in 0_usize..150, with in any::<u8>(), bytes in 1_usize..200,
    ) {
        let mut broken = hello_in(&[sni(b"www.example.org"), alpn(&[b"h2", b"http/1.1"])], bytes);
        let at = at % broken.len();
        broken[at] = with;
        let whole = read_client_hello(&broken);
        for cut in 0..broken.len() {
            let part = read_client_hello(&broken[..cut]);
            prop_assert!(part == Ok(Progress::More) || part == whole, "{}: {:?}", cut, part);
        }
    }
}
