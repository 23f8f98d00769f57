//! A mail server in a namespace: takes every letter, and hands it to the test.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::lab::Namespace;

/// The server. It serves until the process ends.
#[derive(Debug)]
pub struct MailServer {
    letters: Receiver<Letter>,
}

/// What came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// What the sender called itself.
    pub helo: String,
    /// To whom the sender said it goes.
    pub recipients: Vec<String>,
    /// Its lines, with the head.
    pub lines: Vec<String>,
}

impl Letter {
    /// A line of the head.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.lines.iter().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

impl MailServer {
    /// Listens at an address of a namespace.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let listener =
            namespace.enter(|| TcpListener::bind(address))?.context("the mail server's port")?;
        let (sender, letters) = channel();
        thread::Builder::new().name("mail".into()).spawn(move || {
            for connection in listener.incoming().flatten() {
                // A sender that goes away has sent nothing.
                let _ = converse(&connection, &sender);
            }
        })?;
        Ok(Self { letters })
    }

    /// The next letter.
    pub fn next(&self, limit: Duration) -> Result<Letter> {
        self.letters.recv_timeout(limit).context("no letter")
    }
}

fn converse(connection: &TcpStream, letters: &Sender<Letter>) -> Result<()> {
    let mut answers = connection;
    let mut letter = Letter::default();
    answers.write_all(b"220 test ESMTP\r\n")?;
    let mut lines = BufReader::new(connection).lines();
    while let Some(line) = lines.next() {
        let line = line?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => {
                rest.clone_into(&mut letter.helo);
                "250 test"
            }
            "RCPT" => {
                letter.recipients.push(rest.to_owned());
                "250 taken"
            }
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    letter.lines.push(line);
                }
                let next = Letter { helo: letter.helo.clone(), ..Letter::default() };
                letters.send(std::mem::replace(&mut letter, next))?;
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        answers.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
