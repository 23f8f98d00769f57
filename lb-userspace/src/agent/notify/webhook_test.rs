//! Tests of [`super`] against a server of the test's own.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, split},
    net::TcpListener,
};

use super::*;
use crate::{agent::notify::mailer::tests::vouched, model::WebhookUrl};

fn poster(port: u16, limit: Duration) -> Poster {
    let url = WebhookUrl::parse(&format!("http://127.0.0.1:{port}/hook?a=b")).unwrap();
    Poster::new(&Webhook { url, ca_file: None, timeout: limit }).unwrap()
}

const LONG: Duration = Duration::from_secs(20);

/// Takes one request, and answers so. Returns head and body.
async fn serve(listener: &TcpListener, answer: &str) -> (Vec<String>, String) {
    let (connection, _) = listener.accept().await.unwrap();
    converse(connection, answer).await
}

async fn converse(connection: impl AsyncRead + AsyncWrite, answer: &str) -> (Vec<String>, String) {
    let (read, mut write) = split(connection);
    let mut read = BufReader::new(read);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        read.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_lowercase());
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    read.read_exact(&mut body).await.unwrap();
    write.write_all(answer.as_bytes()).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn what_it_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for (status, taken, last) in [
        ("204 No Content", true, false),
        ("200 OK", true, false),
        ("503 Service Unavailable", false, false),
        ("429 Too Many Requests", false, false),
        ("404 Not Found", false, true),
        ("301 Moved Permanently", false, true),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let (outcome, (head, body)) =
            tokio::join!(poster(port, LONG).post("{}".to_owned()), serve(&listener, &answer));
        assert_eq!(outcome.is_ok(), taken, "{status}: {outcome:?}");
        assert_eq!(outcome.is_err_and(|error| error.is_final()), last, "{status}");
        assert_eq!(head[0], "post /hook?a=b http/1.1");
        assert!(head.contains(&format!("host: 127.0.0.1:{port}")), "{head:?}");
        assert!(head.contains(&"content-type: application/json".to_owned()), "{head:?}");
        assert_eq!(body, "{}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_says_nothing_or_nonsense() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hasty = poster(port, Duration::from_millis(50));
    let error = hasty.post("{}".to_owned()).await.expect_err("nobody answers");
    assert!(matches!(error, PostError::Slow(_)), "{error}");
    // The connection of before waits to be accepted.
    drop(listener.accept().await.unwrap());
    let (outcome, _) =
        tokio::join!(poster(port, LONG).post("{}".to_owned()), serve(&listener, "220 smtp\r\n"));
    assert!(!outcome.expect_err("no HTTP").is_final());
    drop(listener);
    let error = poster(port, LONG).post("{}".to_owned()).await.expect_err("nobody listens");
    assert!(matches!(error, PostError::Unreached(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_proves_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca");
    let (acceptor, own) = vouched();
    std::fs::write(&ca_file, own).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = WebhookUrl::parse(&format!("https://127.0.0.1:{port}/")).unwrap();
    let trusting = Webhook { url, ca_file: Some(ca_file), timeout: LONG };
    let take = async || {
        let (connection, _) = listener.accept().await.unwrap();
        let connection = acceptor.accept(connection).await.ok()?;
        Some(converse(connection, "HTTP/1.1 204 No Content\r\n\r\n").await.1)
    };
    let post = |webhook: &Webhook| Poster::new(webhook).unwrap().post("[1]".to_owned());
    let (outcome, body) = tokio::join!(post(&trusting), take());
    outcome.unwrap();
    assert_eq!(body.as_deref(), Some("[1]"));

    // Nobody whom this host trusts vouches for it.
    let wary = Webhook { ca_file: None, ..trusting.clone() };
    let (outcome, body) = tokio::join!(post(&wary), take());
    assert!(!outcome.expect_err("a stranger").is_final());
    assert_eq!(body, None);

    let missing = Webhook { ca_file: Some("/missing/ca".into()), ..trusting };
    let error = Poster::new(&missing).expect_err("no authorities").to_string();
    assert!(error.starts_with("the file /missing/ca with authorities: "), "{error}");
}
