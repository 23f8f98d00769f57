//! A web server in a namespace that takes what is posted to it, and hands it to the test.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::lab::Namespace;

/// The server. It serves until the process ends.
#[derive(Debug)]
pub struct WebhookServer {
    posts: Receiver<String>,
}

impl WebhookServer {
    /// Listens at an address of a namespace.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let listener =
            namespace.enter(|| TcpListener::bind(address))?.context("the webhook's port")?;
        let (sender, posts) = channel();
        thread::Builder::new().name("webhook".into()).spawn(move || {
            for connection in listener.incoming().flatten() {
                // Who goes away has posted nothing.
                let _ = take(&connection, &sender);
            }
        })?;
        Ok(Self { posts })
    }

    /// The next post: its body.
    pub fn next(&self, limit: Duration) -> Result<String> {
        self.posts.recv_timeout(limit).context("no post")
    }
}

fn take(mut connection: &TcpStream, posts: &Sender<String>) -> Result<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    posts.send(String::from_utf8(body)?)?;
    Ok(())
}
