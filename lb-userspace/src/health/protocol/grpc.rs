//! gRPC's health service (`grpc.health.v1.Health/Check`, "GRPC Health Checking Protocol"): the bytes of its two
//! messages, and the verdict on an answer. HTTP/2 is the shell's business.
//!
//! ```proto
//! message HealthCheckRequest { string service = 1; }
//! message HealthCheckResponse { ServingStatus status = 1; }
//! ```

use super::quoted;
use crate::model::GrpcService;

/// What is asked for, by POST.
pub const PATH: &str = "/grpc.health.v1.Health/Check";
/// The kind of all bodies.
pub const CONTENT_TYPE: &str = "application/grpc";
/// Bytes of the longest body; a good one has 7. What is longer need not be read on, and is malformed.
pub const LONGEST: usize = 4 << 10;
/// Compressed or not, and a length (gRPC over HTTP2, "Length-Prefixed-Message").
const HEAD: usize = 5;

/// What is wrong with an answer by gRPC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrpcComplaint {
    /// The answer is of another kind.
    #[error("status {status} and content type {kind}: no gRPC at this port?")]
    NotGrpc {
        /// HTTP's.
        status: u16,
        /// As the server says.
        kind: String,
    },
    /// It knows nothing of health.
    #[error("the server has no health service (UNIMPLEMENTED)")]
    NoHealth,
    /// It does not know this service.
    #[error("the server does not know the service \"{0}\" (NOT_FOUND)")]
    NoService(GrpcService),
    /// Another error.
    #[error("the call failed: {code}{}", words(.message))]
    Failed {
        /// Its name, or its number.
        code: String,
        /// The server's own words.
        message: String,
    },
    /// Not well.
    #[error("the service is {0}, expected SERVING")]
    NotServing(&'static str),
    /// Its message cannot be read.
    #[error("expected the message of a health service, got {0}")]
    Malformed(String),
    /// No code at the end.
    #[error("the answer ended without a grpc-status")]
    Cut,
}

fn words(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

/// The body of a question.
#[must_use]
pub fn question(service: &GrpcService) -> Vec<u8> {
    let name = service.as_str().as_bytes();
    let mut message = Vec::new();
    if !name.is_empty() {
        message.push(1 << 3 | LENGTH);
        // A name has up to 255 bytes: its length is one or two bytes of seven bits each.
        match u8::try_from(name.len()).unwrap_or(u8::MAX) {
            length @ 0x80.. => message.extend([length, 1]),
            length => message.push(length),
        }
        message.extend(name);
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), &message].concat()
}

/// What came of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrpcAnswer {
    /// HTTP's status.
    pub status: u16,
    /// `content-type`.
    pub kind: Option<String>,
    /// `grpc-status`, in the trailers or, where there is nothing else, in the head.
    pub code: Option<String>,
    /// `grpc-message`.
    pub message: Option<String>,
    /// The first bytes of the body.
    pub body: Vec<u8>,
}

impl GrpcAnswer {
    /// Is the service well?
    ///
    /// # Errors
    /// It is not: why.
    pub fn judge(&self, service: &GrpcService) -> Result<(), GrpcComplaint> {
        let is_grpc = self.kind.as_deref().is_some_and(|kind| kind.starts_with(CONTENT_TYPE));
        // Where a proxy or another server answers, HTTP's status is all there is.
        if self.code.is_none() && (self.status != 200 || !is_grpc) {
            let kind =
                self.kind.as_deref().map_or("none".to_owned(), |kind| quoted(kind.as_bytes()));
            return Err(GrpcComplaint::NotGrpc { status: self.status, kind });
        }
        if self.body.len() > LONGEST {
            return Err(GrpcComplaint::Malformed(quoted(&self.body)));
        }
        let message = || {
            let text = self.message.as_deref().unwrap_or_default();
            text.chars().filter(|c| !c.is_control()).take(80).collect()
        };
        match self.code.as_deref().ok_or(GrpcComplaint::Cut)? {
            "0" => {}
            "5" => return Err(GrpcComplaint::NoService(service.clone())),
            "12" => return Err(GrpcComplaint::NoHealth),
            code => return Err(GrpcComplaint::Failed { code: name(code), message: message() }),
        }
        match status(&self.body).ok_or_else(|| GrpcComplaint::Malformed(quoted(&self.body)))? {
            1 => Ok(()),
            0 => Err(GrpcComplaint::NotServing("UNKNOWN")),
            2 => Err(GrpcComplaint::NotServing("NOT_SERVING")),
            3 => Err(GrpcComplaint::NotServing("SERVICE_UNKNOWN")),
            _ => Err(GrpcComplaint::NotServing("in a state that is not known")),
        }
    }
}

/// Names of codes ("Status codes and their use in gRPC").
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn name(code: &str) -> String {
    let known = code.parse::<usize>().ok().and_then(|number| NAMES.get(number));
    known.map_or_else(|| quoted(code.as_bytes()), |name| (*name).to_owned())
}

/// Kinds of fields on the wire ("Encoding" of Protocol Buffers).
const VARINT: u8 = 0;
const EIGHT: u8 = 1;
const LENGTH: u8 = 2;
const FOUR: u8 = 5;

/// `status` of a `HealthCheckResponse`; 0 where it is left out. The last one counts.
fn status(body: &[u8]) -> Option<u64> {
    let (&[compressed, a, b, c, d], rest) = body.split_first_chunk::<HEAD>()?;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    if compressed != 0 || length != rest.len() {
        return None;
    }
    let (mut rest, mut status) = (rest, 0);
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let kind = u8::try_from(tag & 7).ok()?;
        let skipped = match kind {
            VARINT => {
                let value = varint(&mut rest)?;
                if tag >> 3 == 1 {
                    status = value;
                }
                0
            }
            EIGHT => 8,
            LENGTH => usize::try_from(varint(&mut rest)?).ok()?,
            FOUR => 4,
            _ => return None,
        };
        rest = rest.get(skipped..)?;
    }
    Some(status)
}

/// Seven bits a byte, the lowest first; the last byte is less than 128.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(code: &str, body: &[u8]) -> GrpcAnswer {
        GrpcAnswer {
            status: 200,
            kind: Some("application/grpc+proto".to_owned()),
            code: Some(code.to_owned()),
            message: None,
            body: body.to_vec(),
        }
    }

    fn complaint(answer: &GrpcAnswer) -> String {
        answer.judge(&"shop.Orders".parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn questions() {
        assert_eq!(question(&GrpcService::default()), [0; 5]);
        assert_eq!(question(&"a.b".parse().unwrap()), b"\0\0\0\0\x05\x0a\x03a.b");
        let long = question(&"x".repeat(200).parse().unwrap());
        assert_eq!((&long[..8], long.len()), (&b"\0\0\0\0\xcb\x0a\xc8\x01"[..], 208));
    }

    #[test]
    fn well() {
        let service = GrpcService::default();
        for body in [
            &b"\0\0\0\0\x02\x08\x01"[..],
            // Fields that a later version has, and the status again.
            b"\0\0\0\0\x0e\x08\x02\x12\x03abc\x1d1234\x08\x01",
        ] {
            assert_eq!(answer("0", body).judge(&service), Ok(()), "{body:?}");
        }
    }

    #[test]
    fn not_well() {
        let serving = b"\0\0\0\0\x02\x08\x01";
        for (code, body, words) in [
            ("0", &b"\0\0\0\0\x02\x08\x02"[..], "the service is NOT_SERVING, expected SERVING"),
            ("0", b"\0\0\0\0\0", "the service is UNKNOWN, expected SERVING"),
            ("0", b"\0\0\0\0\x02\x08\x03", "the service is SERVICE_UNKNOWN, expected SERVING"),
            ("0", b"\x01\0\0\0\x02\x08\x01", "expected the message of a health service"),
            ("0", b"\0\xff\xff\xff\xff\x08\x01", "expected the message of a health service"),
            ("0", b"\0\0\0\0\x02\x08\x81", "expected the message of a health service"),
            ("0", b"\0\0\0\0\x02\x12\x70", "expected the message of a health service"),
            ("0", b"", "got \"\""),
            ("5", b"", "the server does not know the service \"shop.Orders\" (NOT_FOUND)"),
            ("12", serving, "the server has no health service (UNIMPLEMENTED)"),
            ("14", b"", "the call failed: UNAVAILABLE"),
            ("x", b"", "the call failed: \"x\""),
        ] {
            let found = complaint(&answer(code, body));
            assert!(found.contains(words), "{found}");
        }
        let said = GrpcAnswer { message: Some("try\nlater".to_owned()), ..answer("13", b"") };
        assert_eq!(complaint(&said), "the call failed: INTERNAL (trylater)");
        let cut = GrpcAnswer { code: None, ..answer("0", serving) };
        assert_eq!(complaint(&cut), "the answer ended without a grpc-status");
        let web =
            GrpcAnswer { status: 404, kind: Some("text/html".to_owned()), ..GrpcAnswer::default() };
        assert_eq!(
            complaint(&web),
            "status 404 and content type \"text/html\": no gRPC at this port?"
        );
    }

    proptest! {
        #[test]
        fn any_body(noise in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = status(&noise);
            let length = u32::try_from(noise.len()).unwrap().to_be_bytes();
            let _ = status(&[&[0][..], &length, &noise].concat());
        }
    }
}
