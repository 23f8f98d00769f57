//! What must hold of every HTTP/1.1 head and chunked body: the same verdict however the bytes are cut, and
//! another parser that agrees with what is taken.

use std::io;

use lb_userspace::http::{
    Chunked, Limits, Refusal, Request, RequestReader, ResponseReader, framing,
};

/// Small, so that a fuzzer meets them.
fn limits() -> Limits {
    Limits::default().with_head(512).with_uri(128).with_fields(8).with_trailers(64)
}

/// What was found of a head: where it ends, its fields, and how its body ends.
type Found = Result<Option<(usize, Vec<(Vec<u8>, Vec<u8>)>, String)>, Refusal>;

/// Checks the bytes as the head of a request, and of a response.
///
/// # Panics
/// Where something does not hold.
pub fn check_head(bytes: &[u8]) {
    let whole = request(&mut RequestReader::new(limits()), bytes);
    let mut reader = RequestReader::new(limits());
    let steps = (1..=bytes.len()).map(|end| request(&mut reader, &bytes[..end]));
    let last = steps.fold(None, |last: Option<Found>, next| match last {
        Some(done @ (Err(_) | Ok(Some(_)))) => Some(done),
        _ => Some(next),
    });
    assert_eq!(last.unwrap_or(Ok(None)), whole, "byte by byte");
    if let Ok(Some((length, fields, _))) = whole {
        let mut room = [httparse::EMPTY_HEADER; 8];
        let mut other = httparse::Request::new(&mut room);
        assert_eq!(other.parse(bytes), Ok(httparse::Status::Complete(length)));
        let theirs = other.headers.iter();
        let theirs: Vec<_> =
            theirs.map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec())).collect();
        assert_eq!(fields, theirs);
    }
    let mut reader = ResponseReader::new(limits());
    if let Ok(Some(response)) = reader.read(bytes) {
        assert!(response.length <= bytes.len());
        let _ = framing::response(&response, lb_userspace::http::Method::Get);
    }
}

fn request(reader: &mut RequestReader, bytes: &[u8]) -> Found {
    let shown = |request: Request<'_>| {
        let fields = request.fields.iter();
        let fields = fields.map(|field| (field.name.to_vec(), field.value.to_vec())).collect();
        (request.length, fields, format!("{:?}", framing::request(&request)))
    };
    Ok(reader.read(bytes)?.map(shown))
}

/// Checks the bytes as a chunked body.
///
/// # Panics
/// Where something does not hold.
pub fn check_chunked(bytes: &[u8]) {
    let whole = body(&[bytes]);
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(body(&single), whole, "byte by byte");
    if let Ok(Some((data, used))) = whole {
        assert!(data.len() < used && used <= bytes.len());
    }
}

/// The data and where the body ends.
fn body(pieces: &[&[u8]]) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
    let mut chunked = Chunked::new(limits());
    let (mut data, mut used) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        while let Some(range) = chunked.next(piece, &mut at)? {
            data.extend_from_slice(&piece[range]);
        }
        used += at;
        if chunked.is_done() {
            return Ok(Some((data, used)));
        }
    }
    Ok(None)
}

/// Writes heads to begin with to where `cargo xtask fuzz` wants seeds.
///
/// # Errors
/// The file system's.
pub fn write_heads() -> io::Result<()> {
    crate::seeds::put(HEADS.iter().map(|head| head.as_bytes().to_vec()).collect())
}

/// Writes chunked bodies to begin with.
///
/// # Errors
/// The file system's.
pub fn write_bodies() -> io::Result<()> {
    crate::seeds::put(BODIES.iter().map(|body| body.as_bytes().to_vec()).collect())
}

const HEADS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nPOST /a?b=c HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello",
    "PUT http://a/b HTTP/1.1\r\nhost: A:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    "HTTP/1.0 304\r\nDate : today\r\n\r\n",
];

const BODIES: &[&str] = &[
    "0\r\n\r\n",
    "5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\nGET /",
    "1;a=\"b c\"\r\nx\r\n0 ;d\r\nA: b\r\nC:\r\n\r\n",
    "ffffffffffffffff\r\nabc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_passes() {
        let heads = HEADS.iter().map(|head| head.as_bytes());
        let taken = heads.filter(|head| {
            check_head(head);
            matches!(request(&mut RequestReader::new(limits()), head), Ok(Some(_)))
        });
        assert_eq!(taken.count(), 6, "the others are responses");
        let ended = BODIES.iter().filter(|text| {
            check_chunked(text.as_bytes());
            matches!(body(&[text.as_bytes()]), Ok(Some(_)))
        });
        assert_eq!(ended.count(), 3);
    }
}
