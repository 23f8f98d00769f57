//! Tests of [`super`] against a server of the test's own.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use super::*;
use crate::model::WebhookUrl;

fn poster(port: u16, limit: Duration) -> Poster {
    let url = WebhookUrl::parse(&format!("http://127.0.0.1:{port}/hook?a=b")).unwrap();
    Poster::new(&Webhook { url, ca_file: None, timeout: limit }).unwrap()
}

const LONG: Duration = Duration::from_secs(20);

/// Takes one request, and answers so. Returns head and body.
async fn serve(listener: &TcpListener, answer: &str) -> (Vec<String>, String) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let (read, mut write) = connection.split();
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
