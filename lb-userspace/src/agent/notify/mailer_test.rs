//! Letters to a mail server of the test's own.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use super::*;
use crate::model::MailServer;

fn mail(port: u16, tls: MailTls) -> Mail {
    Mail {
        from: "lb@example.org".parse().unwrap(),
        to: vec!["a@example.org".parse().unwrap()],
        server: MailServer { host: "127.0.0.1".to_owned(), port: Some(port) },
        tls,
        helo: None,
        login: None,
        timeout: Duration::from_secs(20),
    }
}

async fn send(mail: &Mail) -> Result<(), SendError> {
    let mailer = Mailer::new(mail).unwrap();
    let letter = Letter { subject: "Größe".to_owned(), body: ".\nall is well\n".to_owned() };
    let message = mailer.envelope(letter).unwrap();
    mailer.send(message).await
}

/// Takes one connection, and has this answer for the letter. Returns the letter's lines.
async fn serve(listener: TcpListener, verdict: &str) -> Vec<String> {
    let (connection, _) = listener.accept().await.unwrap();
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut letter, mut inside) = (Vec::new(), false);
    write.write_all(b"220 test\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.as_str() {
            "." if inside => {
                inside = false;
                verdict
            }
            line if inside => {
                letter.push(line.to_owned());
                continue;
            }
            "DATA" => {
                inside = true;
                "354 go on"
            }
            "QUIT" => break,
            _ => "250 fine",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    letter
}

async fn port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn what_the_server_says() {
    for (verdict, taken, last) in
        [("250 taken", true, false), ("451 come back", false, false), ("550 never", false, true)]
    {
        let (listener, port) = port().await;
        let mail = mail(port, MailTls::None);
        let (outcome, letter) = tokio::join!(send(&mail), serve(listener, verdict));
        assert_eq!(outcome.is_ok(), taken, "{verdict}: {outcome:?}");
        assert_eq!(outcome.is_err_and(|error| error.is_final()), last, "{verdict}");
        assert!(letter.contains(&"all is well".to_owned()), "{letter:?}");
        // A line of one dot would end the letter.
        assert!(letter.contains(&"..".to_owned()), "{letter:?}");
        assert!(letter.iter().any(|line| line.starts_with("Date: ")), "{letter:?}");
        assert!(letter.iter().any(|line| line.starts_with("Subject: =?utf-8?")), "{letter:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing() {
    let (listener, port) = port().await;
    let patient = mail(port, MailTls::None);
    let hasty = Mail { timeout: Duration::from_millis(50), ..patient.clone() };
    assert!(!send(&hasty).await.expect_err("nobody answers").is_final());
    drop(listener);
    assert!(!send(&patient).await.expect_err("nobody listens").is_final());
}

#[tokio::test]
async fn without_tls_nothing_is_said_to_a_server_that_must_have_it() {
    let (listener, port) = port().await;
    let mail = mail(port, MailTls::StartTls);
    let (outcome, letter) = tokio::join!(send(&mail), serve(listener, "250 taken"));
    assert!(!outcome.expect_err("no TLS").is_final());
    assert_eq!(letter, Vec::<String>::new());
}

#[test]
fn a_password_file_that_is_not_there() {
    let login = MailLogin { user: "lb".to_owned(), password_file: "/missing/file".into() };
    let mail = Mail { login: Some(login), ..mail(25, MailTls::Tls) };
    let error = Mailer::new(&mail).expect_err("no password").to_string();
    assert!(error.starts_with("the password file /missing/file: No such file"), "{error}");
}
