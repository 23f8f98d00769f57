//! Answers as a server makes them, and such as none would.

use proptest::prelude::*;
use simple_dns::{ResourceRecord, rdata};

use super::*;

const ID: u16 = 0x4c42;

fn query(change: impl FnOnce(&mut DnsCheck)) -> DnsQuery {
    let mut check = DnsCheck {
        query: "www.example.org".parse().unwrap(),
        record: DnsRecord::A,
        ..DnsCheck::default()
    };
    change(&mut check);
    DnsQuery::new(check, ID)
}

/// An answer to a question, with these addresses.
fn answer(
    query: &DnsQuery,
    addresses: &[[u8; 4]],
    change: impl FnOnce(&mut Packet<'_>),
) -> Vec<u8> {
    let asked = query.message().unwrap();
    let mut packet = Packet::parse(&asked).unwrap().into_reply();
    for address in addresses {
        let address = u32::from_be_bytes(*address);
        let name = Name::new(query.check.query.as_str()).unwrap();
        packet.answers.push(ResourceRecord::new(
            name,
            CLASS::IN,
            60,
            RData::A(rdata::A { address }),
        ));
    }
    change(&mut packet);
    packet.build_bytes_vec_compressed().unwrap()
}

fn complaint(query: &DnsQuery, datagram: &[u8]) -> String {
    query.judge(datagram).unwrap_err().to_string()
}

#[test]
fn a_question() {
    let message = query(|_| {}).message().unwrap();
    let wanted = b"LB\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01";
    assert_eq!(message, wanted);
    let root = DnsQuery::new(DnsCheck::default(), 1).message().unwrap();
    assert_eq!(root, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\0\0\x06\0\x01");
}

#[test]
fn good_answers() {
    let any = query(|_| {});
    assert_eq!(any.judge(&answer(&any, &[], |_| {})), Ok(DnsStep::Passed));
    let one = query(|check| check.answer = Some([192, 0, 2, 2].into()));
    let both = answer(&one, &[[192, 0, 2, 1], [192, 0, 2, 2]], |_| {});
    assert_eq!(one.judge(&both), Ok(DnsStep::Passed));
    let none = query(|check| check.rcode = DnsCode::NxDomain);
    let no = answer(&none, &[], |packet| *packet.rcode_mut() = RCODE::NameError);
    assert_eq!(none.judge(&no), Ok(DnsStep::Passed));
    let root = DnsQuery::new(DnsCheck::default(), ID);
    assert_eq!(root.judge(&answer(&root, &[], |_| {})), Ok(DnsStep::Passed));
    // Names are compared without case (RFC 4343).
    let loud = query(|check| check.query = "WWW.example.ORG".parse().unwrap());
    assert_eq!(any.judge(&answer(&loud, &[], |_| {})), Ok(DnsStep::Passed));
}

#[test]
fn bad_answers() {
    let any = query(|_| {});
    let refused = answer(&any, &[], |packet| *packet.rcode_mut() = RCODE::Refused);
    assert_eq!(complaint(&any, &refused), "www.example.org A: REFUSED, expected NOERROR");
    let one = query(|check| check.answer = Some([192, 0, 2, 9].into()));
    assert_eq!(
        complaint(&one, &answer(&one, &[[192, 0, 2, 1]], |_| {})),
        "www.example.org A: 192.0.2.9 is not among the answers (192.0.2.1)"
    );
    assert!(complaint(&one, &answer(&one, &[], |_| {})).ends_with("(there are none)"));
    let other = query(|check| check.query = "a.example".parse().unwrap());
    assert_eq!(
        complaint(&any, &answer(&other, &[], |_| {})),
        "the answer is to another question: asked for www.example.org A, answered for a.example A"
    );
    let kind = query(|check| check.record = DnsRecord::Mx);
    assert!(complaint(&any, &answer(&kind, &[], |_| {})).ends_with("www.example.org MX"));
    assert!(complaint(&any, &any.message().unwrap()).contains("sends the question back"));
    for garbage in [&b""[..], b"LB", b"LB\x80\0\0\x01\xff\xff\xff\xff\xff\xff", b"HTTP/1.1 400 Bad"]
    {
        let judged = any.judge(garbage);
        let strange = matches!(judged, Err(DnsComplaint::NotDns(_)) | Ok(DnsStep::Stray));
        assert!(strange, "{garbage:?}: {judged:?}");
    }
}

#[test]
fn strays_and_cut_answers() {
    let asked = query(|_| {});
    let stray = answer(&DnsQuery::new(asked.check.clone(), ID + 1), &[], |_| {});
    assert_eq!(asked.judge(&stray), Ok(DnsStep::Stray));
    let cut = answer(&asked, &[], |packet| packet.set_flags(PacketFlag::TRUNCATION));
    assert_eq!(asked.judge(&cut), Ok(DnsStep::Truncated));
}

#[test]
fn by_tcp_in_pieces() {
    let asked = query(|_| {});
    let good = answer(&asked, &[[192, 0, 2, 1]], |_| {});
    let length = u16::try_from(good.len()).unwrap();
    let said = [&length.to_be_bytes()[..], &good].concat();
    for piece in [1, 7, said.len()] {
        let mut stream = DnsStream::new(asked.clone());
        assert_eq!(stream.opening()[2..], asked.message().unwrap());
        let mut steps = said.chunks(piece).map(|piece| stream.receive(piece).unwrap());
        assert_eq!(steps.by_ref().last(), Some(Step::Passed), "in pieces of {piece}");
    }
    let mut stream = DnsStream::new(asked);
    assert_eq!(stream.receive(&said[..9]), Ok(Step::More));
    assert_eq!(stream.closed(), Err(DnsComplaint::Closed.into()));
    assert!(stream.receive(&[0; 70_000]).is_err());
}

proptest! {
    /// Whatever comes: no panic. What is cut or changed anywhere is no better than what was whole.
    #[test]
    fn any_datagram(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        place in 0_usize..80,
        byte in any::<u8>(),
        length in 0_usize..80,
    ) {
        let asked = query(|check| check.answer = Some([192, 0, 2, 1].into()));
        let _ = asked.judge(&noise);
        let _ = asked.judge(&[&ID.to_be_bytes()[..], &[0x80, 0], &noise].concat());
        let mut changed = answer(&asked, &[[192, 0, 2, 1]], |_| {});
        changed.truncate(length);
        let _ = asked.judge(&changed);
        if let Some(at) = changed.get_mut(place) {
            *at = byte;
        }
        let _ = asked.judge(&changed);
    }
}
