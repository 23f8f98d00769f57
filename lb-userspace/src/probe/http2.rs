//! Checks by HTTP/2: requests of an HTTP check, and gRPC's health service.

use std::net::SocketAddr;
use std::pin::pin;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Method, Request};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::CheckError;
use super::converse::Awaited;
use crate::health::protocol::{
    CONTENT_TYPE, Complaint, GrpcAnswer, Http2Exchange, LONGEST, PATH, Step, question,
};
use crate::model::{GrpcCheck, HttpRequest};

/// What a head may be long, in bytes.
const LONGEST_HEAD: u32 = 16 << 10;
const HEAD: &str = "the head of the answer";
const BODY: &str = "the end of the body";

/// Makes the requests, one after the other.
pub(super) async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &[HttpRequest],
    (address, is_tls): (SocketAddr, bool),
    awaited: &Awaited,
) -> Result<(), CheckError> {
    talk(stream, awaited, async |mut sender| {
        for request in requests {
            let mut exchange = Http2Exchange::new(request.clone());
            let head = exchange.head(address, is_tls).map_err(unspeakable)?;
            let (answer, mut body) = ask(&mut sender, head, None, awaited).await?;
            let mut step = exchange.status(answer.status.as_u16())?;
            awaited.put(BODY);
            while step != Step::Passed {
                match next(&mut body).await? {
                    Some(bytes) => step = exchange.data(&bytes)?,
                    None => {
                        exchange.end()?;
                        step = Step::Passed;
                    }
                }
            }
        }
        Ok(())
    })
    .await
}

/// Asks gRPC's health service.
pub(super) async fn grpc(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    check: &GrpcCheck,
    address: SocketAddr,
    awaited: &Awaited,
) -> Result<(), CheckError> {
    let scheme = if check.certificate.is_some() { "https" } else { "http" };
    let authority = check.certificate.as_ref().and_then(|tls| tls.name());
    let authority = authority.map_or_else(|| address.to_string(), ToString::to_string);
    let head = Request::builder()
        .method(Method::POST)
        .uri(format!("{scheme}://{authority}{PATH}"))
        .header("content-type", CONTENT_TYPE)
        .header("te", "trailers")
        .header("user-agent", "lb-check")
        .body(());
    let head = head.map_err(unspeakable)?;
    let answer = talk(stream, awaited, async |mut sender| {
        let (head, mut body) =
            ask(&mut sender, head, Some(question(&check.service)), awaited).await?;
        let text = |headers: &HeaderMap, name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut answer = GrpcAnswer {
            status: head.status.as_u16(),
            kind: text(&head.headers, "content-type"),
            code: text(&head.headers, "grpc-status"),
            message: text(&head.headers, "grpc-message"),
            body: Vec::new(),
        };
        awaited.put(BODY);
        while let Some(bytes) = next(&mut body).await? {
            answer.body.extend(&bytes);
            if answer.body.len() > LONGEST {
                return Ok(answer);
            }
        }
        if let Some(trailers) = body.trailers().await.map_err(|error| of_http2(BODY, error))? {
            answer.code = text(&trailers, "grpc-status").or(answer.code);
            answer.message = text(&trailers, "grpc-message").or(answer.message);
        }
        Ok(answer)
    });
    answer.await?.judge(&check.service).map_err(|complaint| Complaint::from(complaint).into())
}

/// Speaks HTTP/2 over a connection. What is kept of an answer is bounded by its windows.
async fn talk<T>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    awaited: &Awaited,
    what: impl AsyncFnOnce(SendRequest<Bytes>) -> Result<T, CheckError>,
) -> Result<T, CheckError> {
    awaited.put("the settings of HTTP/2");
    let mut builder = Builder::new();
    builder.max_header_list_size(LONGEST_HEAD).enable_push(false);
    let (sender, connection) =
        builder.handshake(stream).await.map_err(|error| of_http2(HEAD, error))?;
    awaited.recorder().note(|| "speaks HTTP/2".to_owned());
    let mut what = pin!(what(sender));
    tokio::select! {
        biased;
        result = &mut what => result,
        // What has come before the end counts.
        ended = connection => match (what.await, ended) {
            (Err(_), Err(error)) => Err(of_http2(HEAD, error)),
            (result, _) => result,
        },
    }
}

/// Sends a request, and waits for the head of its answer.
async fn ask(
    sender: &mut SendRequest<Bytes>,
    head: Request<()>,
    body: Option<Vec<u8>>,
    awaited: &Awaited,
) -> Result<(http::response::Parts, RecvStream), CheckError> {
    awaited.put(HEAD);
    let of_head = |error| of_http2(HEAD, error);
    let mut ready = sender.clone().ready().await.map_err(of_head)?;
    let (answer, mut stream) = ready.send_request(head, body.is_none()).map_err(of_head)?;
    if let Some(body) = body {
        stream.send_data(body.into(), true).map_err(of_head)?;
    }
    let (head, body) = answer.await.map_err(of_head)?.into_parts();
    awaited.recorder().note(|| format!("received the head of the answer: {}", head.status));
    Ok((head, body))
}

/// The next piece of a body; makes room for the one after it.
async fn next(body: &mut RecvStream) -> Result<Option<Bytes>, CheckError> {
    let piece = body.data().await.transpose().map_err(|error| of_http2(BODY, error))?;
    if let Some(piece) = &piece {
        let released = body.flow_control().release_capacity(piece.len());
        released.map_err(|error| of_http2(BODY, error))?;
    }
    Ok(piece)
}

fn of_http2(awaited: &'static str, error: h2::Error) -> CheckError {
    if error.is_io() {
        return match error.into_io() {
            Some(error) => CheckError::broken(awaited, error),
            None => CheckError::NoHttp2("the connection broke".to_owned()),
        };
    }
    match error.reason() {
        Some(Reason::HTTP_1_1_REQUIRED) => {
            CheckError::NoHttp2("the server wants HTTP/1.1".to_owned())
        }
        // A head that is too long is the one, something wrong with this answer alone the other.
        Some(Reason::COMPRESSION_ERROR) => CheckError::BrokenHttp2(error.to_string()),
        _ if error.is_reset() => CheckError::BrokenHttp2(error.to_string()),
        _ => CheckError::NoHttp2(error.to_string()),
    }
}

fn unspeakable(error: http::Error) -> CheckError {
    CheckError::Local { task: "write the request".to_owned(), source: io::Error::other(error) }
}

#[cfg(test)]
#[path = "http2_test.rs"]
mod tests;
