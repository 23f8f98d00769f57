//! Servers that speak HTTP/2, and some that do not, over the loopback.

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::health::Outcome;
use crate::model::{BodyMatch, CheckKind, HttpCheck, HttpVersion};
use crate::probe::check::{check, tests::job};
use crate::probe::opener::NoDoors;

/// An answer: head, body, trailers.
type Answer = (Response<()>, Vec<Bytes>, Option<HeaderMap>);

/// A server that answers each request as it is told.
async fn answering(answer: fn(&http::Uri) -> Answer) -> SocketAddr {
    serving(move |stream: TcpStream| async move {
        let mut connection = h2::server::handshake(stream).await?;
        while let Some(request) = connection.accept().await {
            let (request, mut respond) = request?;
            let (head, body, trailers) = answer(request.uri());
            let mut stream = respond.send_response(head, body.is_empty() && trailers.is_none())?;
            let mut body = body.into_iter().peekable();
            while let Some(piece) = body.next() {
                stream.send_data(piece, body.peek().is_none() && trailers.is_none())?;
            }
            if let Some(trailers) = trailers {
                stream.send_trailers(trailers)?;
            }
        }
        Ok(())
    })
    .await
}

/// A server that does this with each connection.
async fn serving<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = Result<(), h2::Error>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn verdict(kind: CheckKind, address: SocketAddr) -> Outcome {
    check(&job(kind, address), &NoDoors, &crate::probe::Recorder::default()).await.0
}

fn failed(words: &str) -> Outcome {
    Outcome::Failed(words.to_owned())
}

fn get(paths: &[&str]) -> CheckKind {
    let body = Some(BodyMatch::Contains("ready".to_owned()));
    let request = |path: &&str| HttpRequest {
        path: path.parse().expect("a path"),
        body: body.clone(),
        ..HttpRequest::default()
    };
    let requests = paths.iter().map(request).collect();
    CheckKind::Http(HttpCheck { version: HttpVersion::Two, requests })
}

fn status(status: u16) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = status.try_into().expect("a status");
    head
}

#[tokio::test]
async fn requests_one_after_the_other() {
    let server = answering(|uri| match uri.path() {
        "/up" => (status(200), vec![Bytes::from("I am re"), Bytes::from("ady")], None),
        "/headers" => {
            let mut head = status(200);
            let filler = http::HeaderValue::from_bytes(&[b'x'; 8_000]).expect("visible");
            (0..100).for_each(|_| _ = head.headers_mut().append("x-filler", filler.clone()));
            (head, vec![Bytes::from("ready")], None)
        }
        "/endless" => (status(200), vec![Bytes::from(vec![b'x'; 16_000]); 100], None),
        _ => (status(503), Vec::new(), None),
    })
    .await;
    assert_eq!(verdict(get(&["/up"]), server).await, Outcome::Passed);
    assert_eq!(verdict(get(&["/up", "/up"]), server).await, Outcome::Passed);
    let words = failed("status 503, expected 200–399");
    assert_eq!(verdict(get(&["/up", "/down"]), server).await, words);
    // What a head may be long is known to the server, and enforced here.
    let Outcome::Failed(words) = verdict(get(&["/headers"]), server).await else { panic!() };
    assert!(words.starts_with("the answer by HTTP/2 cannot be read: "), "{words}");
    let Outcome::Failed(words) = verdict(get(&["/endless"]), server).await else { panic!() };
    assert!(words.starts_with("\"ready\" is not in the body (its first 64 KiB)"), "{words}");
}

#[tokio::test]
async fn who_speaks_no_http2_is_told_so() {
    let old = serving(async |mut stream: TcpStream| {
        let mut question = [0; 1024];
        let _ = stream.read(&mut question).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
        while stream.read(&mut question).await.is_ok_and(|length| length > 0) {}
        Ok(())
    })
    .await;
    let Outcome::Failed(words) = verdict(get(&["/"]), old).await else { panic!() };
    assert!(words.starts_with("no HTTP/2 at this port: "), "{words}");
}

fn grpc(service: &str) -> CheckKind {
    let service = service.parse().expect("a name");
    CheckKind::Grpc(GrpcCheck { service, certificate: None })
}

fn trailers(code: u16) -> HeaderMap {
    [(http::HeaderName::from_static("grpc-status"), code.into())].into_iter().collect()
}

fn message(state: u8) -> Answer {
    let mut head = status(200);
    head.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    let message = [0, 0, 0, 0, 2, 8, state];
    (head, vec![Bytes::copy_from_slice(&message)], Some(trailers(0)))
}

#[tokio::test]
async fn health_by_grpc() {
    let well = answering(|uri| {
        assert_eq!(uri.path(), PATH);
        message(1)
    })
    .await;
    assert_eq!(verdict(grpc("shop"), well).await, Outcome::Passed);
    let ill = answering(|_| message(2)).await;
    let words = failed("the service is NOT_SERVING, expected SERVING");
    assert_eq!(verdict(grpc(""), ill).await, words);
    // Nothing but a head, as servers that refuse a call send it.
    let unknown = answering(|_| {
        let (mut head, ..) = message(1);
        head.headers_mut().extend(trailers(5));
        (head, Vec::new(), None)
    })
    .await;
    let words = failed("the server does not know the service \"shop\" (NOT_FOUND)");
    assert_eq!(verdict(grpc("shop"), unknown).await, words);
    let web = answering(|_| (status(404), Vec::new(), None)).await;
    let words = failed("status 404 and content type none: no gRPC at this port?");
    assert_eq!(verdict(grpc(""), web).await, words);
    let endless = answering(|_| {
        let (head, ..) = message(1);
        (head, vec![Bytes::from(vec![0; 16_000]); 100], Some(trailers(0)))
    })
    .await;
    let Outcome::Failed(words) = verdict(grpc(""), endless).await else { panic!() };
    assert!(words.starts_with("expected the message of a health service"), "{words}");
}
