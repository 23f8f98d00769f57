//! Where bodies end.

use super::*;

fn read(body: Body, largest: u64, input: &[u8]) -> Result<(usize, bool), Refusal> {
    let mut reader = BodyReader::new(body, Limits::default(), largest)?;
    let (mut at, mut data) = (0, 0);
    while let Some(range) = reader.next(input, &mut at)? {
        data += range.len();
    }
    assert!(at == input.len() || reader.is_done());
    Ok((data, reader.is_done()))
}

#[test]
fn what_belongs_to_a_body() {
    assert_eq!(read(Body::Empty, 9, b"next"), Ok((0, true)));
    assert_eq!(read(Body::Length(3), 9, b"ab"), Ok((2, false)));
    assert_eq!(read(Body::Length(3), 9, b"abcnext"), Ok((3, true)));
    assert_eq!(read(Body::Chunked, 9, b"3\r\nabc\r\n0\r\n\r\nnext"), Ok((3, true)));
    assert_eq!(read(Body::UntilClose, 9, b"abcd"), Ok((4, false)));
}

#[test]
fn a_body_that_is_too_large() {
    assert_eq!(read(Body::Length(10), 9, b""), Err(Refusal::BodyTooLarge));
    assert_eq!(read(Body::Length(9), 9, b""), Ok((0, false)));
    assert_eq!(read(Body::Chunked, 3, b"3\r\nabc\r\n0\r\n\r\n"), Ok((3, true)));
    assert_eq!(read(Body::Chunked, 3, b"3\r\nabc\r\n1\r\nx"), Err(Refusal::BodyTooLarge));
    assert_eq!(Refusal::BodyTooLarge.status().code(), 413);
}

#[test]
fn a_connection_that_ends() {
    let close = |body, input: &[u8]| {
        let mut reader = BodyReader::new(body, Limits::default(), 9).expect("small enough");
        let mut at = 0;
        while reader.next(input, &mut at).expect("a body").is_some() {}
        reader.close()
    };
    assert_eq!(close(Body::UntilClose, b"abc"), Ok(()));
    assert_eq!(close(Body::Length(3), b"abc"), Ok(()));
    assert_eq!(close(Body::Length(3), b"ab"), Err(Truncated));
    assert_eq!(close(Body::Chunked, b"3\r\nabc\r\n"), Err(Truncated));
    assert_eq!(close(Body::Chunked, b"0\r\n\r\n"), Ok(()));
}

#[test]
fn trailers_are_there_at_the_end() {
    let mut reader = BodyReader::new(Body::Chunked, Limits::default(), 9).expect("small enough");
    let mut at = 0;
    assert_eq!(reader.next(b"0\r\nA: b\r\n\r\n", &mut at), Ok(None));
    assert_eq!(reader.trailers().map(Fields::len), Some(1));
    assert_eq!(reader.left(), None);
}
