//! Chunked bodies, whole and in pieces.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

type Trailers = &'static [(&'static str, &'static str)];

/// The data, the trailers, and how much of the input was used; `None` where the body goes on.
type Found = Option<(Vec<u8>, Vec<(String, String)>, usize)>;

fn read(pieces: &[&[u8]]) -> Result<Found, Refusal> {
    let limits = Limits::default().with_trailers(64);
    let mut chunked = Chunked::new(limits);
    let (mut data, mut used) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        while let Some(range) = chunked.next(piece, &mut at)? {
            assert!(!range.is_empty());
            data.extend_from_slice(&piece[range]);
        }
        used += at;
        if chunked.is_done() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let trailers = chunked.trailers().iter();
            let trailers = trailers.map(|field| (text(field.name), text(field.value))).collect();
            return Ok(Some((data, trailers, used)));
        }
        assert_eq!(at, piece.len(), "what does not end a body belongs to it");
    }
    Ok(None)
}

fn in_pieces(text: &[u8], cuts: &[Index]) -> Result<Found, Refusal> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    let starts = [0].into_iter().chain(ends.iter().copied());
    let pieces: Vec<_> = starts.zip(&ends).map(|(start, &end)| &text[start..end]).collect();
    read(&pieces)
}

#[test]
fn good_bodies() {
    let cases: [(&str, &str, Trailers, usize); 8] = [
        ("0\r\n\r\n", "", &[], 0),
        ("5\r\nhello\r\n0\r\n\r\n", "hello", &[], 0),
        ("5\r\nhello\r\nA\r\n, my world\r\n000\r\n\r\nGET", "hello, my world", &[], 3),
        ("0000000000000001\r\nx\r\n0\r\n\r\n", "x", &[], 0),
        ("1;a=b;c=\"d e\"\r\nx\r\n0;last\r\n\r\n", "x", &[], 0),
        ("1 \t;a\r\n\n\r\n0\r\n\r\n", "\n", &[], 0),
        ("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n\r\n", "x", &[("A", "b"), ("C", "")], 2),
        ("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", &[], 0),
    ];
    for (text, data, trailers, rest) in cases {
        let (found, fields, used) = read(&[text.as_bytes()]).expect(text).expect(text);
        assert_eq!(found, data.as_bytes(), "{text:?}");
        let fields: Vec<_> = fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(fields, trailers, "{text:?}");
        assert_eq!(used, text.len() - rest, "{text:?}");
    }
    for unfinished in ["", "5", "5\r\nhel", "5\r\nhello\r\n", "0\r\n", "0\r\nA: b\r\n"] {
        assert_eq!(read(&[unfinished.as_bytes()]), Ok(None), "{unfinished:?}");
    }
}

#[test]
fn bad_bodies() {
    let cases = [
        ("\r\n", Refusal::Chunk),
        (";\r\n", Refusal::Chunk),
        ("x\r\n", Refusal::Chunk),
        ("-1\r\n", Refusal::Chunk),
        ("+1\r\n", Refusal::Chunk),
        ("0x1\r\n", Refusal::Chunk),
        (" 1\r\n", Refusal::Chunk),
        ("1 \r\n", Refusal::Chunk),
        ("1 2\r\n", Refusal::Chunk),
        ("1\n", Refusal::Chunk),
        ("1\rx", Refusal::Chunk),
        ("1;a\n", Refusal::Chunk),
        ("1;a\0\r\n", Refusal::Chunk),
        ("1;a\rb\r\n", Refusal::Chunk),
        ("00000000000000001\r\n", Refusal::Chunk),
        ("10000000000000000\r\n", Refusal::Chunk),
        ("1\r\nxy\r\n", Refusal::Chunk),
        ("1\r\nx\n", Refusal::Chunk),
        ("1\r\nx\rx", Refusal::Chunk),
        ("0\r\nA b: c\r\n\r\n", Refusal::FieldName),
        ("0\r\nA: b\n", Refusal::BareLf),
        ("0\r\n\n", Refusal::BareLf),
        ("0\r\nA : b\r\n", Refusal::SpaceBeforeColon),
        ("0\r\nA: b\r\n c\r\n", Refusal::Folded),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", Refusal::NoColon),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&[text.as_bytes()]), Err(expected), "{text:?}");
    }
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(31));
    assert!(matches!(read(&[chunk.repeat(2).as_bytes()]), Ok(None)));
    assert_eq!(read(&[chunk.repeat(3).as_bytes()]), Err(Refusal::Extensions), "in total");
    let trailers = |length: usize| {
        read(&[format!("0\r\nA: {}\r\n\r\n", "b".repeat(length - 7)).as_bytes()]).err()
    };
    assert_eq!(trailers(64), None);
    assert_eq!(trailers(65), Some(Refusal::TrailersTooLarge));
    assert_eq!(trailers(900), Some(Refusal::TrailersTooLarge));
}

#[test]
fn the_largest_chunk_overflows_nothing() {
    let mut chunked = Chunked::new(Limits::default());
    let mut at = 0;
    let text = b"ffffffffffffffff\r\nabc";
    assert_eq!(chunked.next(text, &mut at), Ok(Some(18..21)));
    assert_eq!(chunked.next(text, &mut at), Ok(None));
}

#[test]
fn heads_of_chunks() {
    let head = |size| {
        let (line, length) = chunk_head(size);
        String::from_utf8_lossy(&line[..length]).into_owned()
    };
    assert_eq!(head(0), "0\r\n");
    assert_eq!(head(15), "f\r\n");
    assert_eq!(head(16), "10\r\n");
    assert_eq!(head(0xabcd), "abcd\r\n");
    assert_eq!(head(usize::MAX), format!("{:x}\r\n", usize::MAX));
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "5\r\nhello\r\n",
        "1\r\nx\r\n",
        "0\r\n",
        "\r\n",
        "A: b\r\n",
        ";e=f",
        "3",
        "\r\n",
        "abc",
        "0\r\n\r\n",
        "\n",
        "\r",
        "0;x\r\n",
        " ",
    ]);
    vec(word, 0..16).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a body is cut, data, trailers, end and refusal are the same.
    #[test]
    fn cuts_change_nothing(text in bodies(), cuts in vec(any::<Index>(), 0..8)) {
        prop_assert_eq!(in_pieces(&text, &cuts), read(&[&text]));
    }

    /// What is written with `chunk_head` comes back.
    #[test]
    fn what_is_written_is_read(data in vec(vec(any::<u8>(), 1..40), 0..6), cuts in vec(any::<Index>(), 0..8)) {
        let mut text = Vec::new();
        for chunk in &data {
            let (line, length) = chunk_head(chunk.len());
            text.extend_from_slice(&line[..length]);
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(LAST_CHUNK);
        text.extend_from_slice(b"\r\n");
        let whole = (data.concat(), Vec::new(), text.len());
        prop_assert_eq!(in_pieces(&text, &cuts), Ok(Some(whole)));
    }
}
