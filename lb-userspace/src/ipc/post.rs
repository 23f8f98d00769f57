//! Typed messages over [`Packets`], many in one packet where they come together.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{Interest, unix::AsyncFd};

use super::packets::{LARGEST, Packets};

/// One end of a pair, for a runtime.
#[derive(Debug)]
pub struct Post(AsyncFd<Packets>);

impl Post {
    /// An end, which does not wait by itself.
    ///
    /// # Errors
    /// The runtime does not take it.
    pub fn new(packets: Packets) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "`register` is unsafe since a type may lie about its descriptor; OwnedFd does not"
        )]
        AsyncFd::new(packets).map(Self)
    }

    /// Sends a packet.
    ///
    /// # Errors
    /// It is too large, or the other end is gone.
    pub async fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.0.async_io(Interest::WRITABLE, |packets| packets.send(bytes, descriptors)).await
    }

    /// Sends a packet, if there is room for it now.
    ///
    /// # Errors
    /// There is none, it is too large, or the other end is gone.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_ref().send(bytes, &[])
    }

    /// Takes a packet into the buffer; its bytes, and what came beside it. `None`: the other end is gone.
    ///
    /// # Errors
    /// The packet does not fit; the kernel's.
    pub async fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<(&'b [u8], Vec<OwnedFd>)>> {
        let received =
            self.0.async_io(Interest::READABLE, |packets| packets.receive(buffer)).await?;
        let some = received.length > 0;
        Ok(some.then(|| (&buffer[..received.length], received.descriptors)))
    }

    /// Takes a packet of messages. `None`: the other end is gone.
    ///
    /// # Errors
    /// What came is no such messages.
    pub async fn messages<M: DeserializeOwned>(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(Vec<M>, Vec<OwnedFd>)>> {
        let Some((bytes, descriptors)) = self.receive(buffer).await? else { return Ok(None) };
        let messages = serde_json::Deserializer::from_slice(bytes).into_iter();
        Ok(Some((messages.collect::<Result<_, _>>()?, descriptors)))
    }
}

/// The messages as packets, as few as they fit into. A message that fits into none is left out, and said.
pub fn split<M: Serialize>(messages: impl IntoIterator<Item = M>) -> Vec<Vec<u8>> {
    let mut packets = vec![Vec::new()];
    for message in messages {
        let Ok(bytes) = serde_json::to_vec(&message) else { continue };
        if bytes.len() > LARGEST {
            tracing::error!(bytes = bytes.len(), "a message that is too large was left out");
            continue;
        }
        let last = packets.last_mut().filter(|last| last.len() + bytes.len() <= LARGEST);
        match last {
            Some(last) => last.extend(bytes),
            None => packets.push(bytes),
        }
    }
    packets.retain(|packet| !packet.is_empty());
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_messages_in_few_packets() {
        let (one, other) = Packets::pair().expect("a pair");
        let (one, other) = (Post::new(one).expect("a post"), Post::new(other).expect("a post"));
        let long = "x".repeat(LARGEST / 2);
        let sent = ["a", &long, "b", &long, &long, "c"].map(str::to_owned);
        let packets = split(&sent);
        assert_eq!(packets.len(), 3);
        let sender = async {
            for packet in &packets {
                one.send(packet, &[]).await.expect("it is sent");
            }
        };
        let receiver = async {
            let (mut buffer, mut heard) = (vec![0; LARGEST], Vec::new());
            while heard.len() < sent.len() {
                let (some, _) = other.messages::<String>(&mut buffer).await.unwrap().unwrap();
                heard.extend(some);
            }
            heard
        };
        let ((), heard) = tokio::join!(sender, receiver);
        assert_eq!(heard, sent);
        drop(one);
        assert!(other.receive(&mut [0; 8]).await.expect("the end").is_none());
    }

    #[test]
    fn what_fits_nowhere_is_left_out() {
        assert_eq!(split(["x".repeat(LARGEST), "y".to_owned()]), [b"\"y\"".to_vec()]);
        assert_eq!(split::<u8>([]), Vec::<Vec<u8>>::new());
    }

    #[tokio::test]
    async fn what_is_no_message() {
        let (one, other) = Packets::pair().expect("a pair");
        one.send(b"{}[", &[]).expect("it is sent");
        let other = Post::new(other).expect("a post");
        let error = other.messages::<u8>(&mut [0; 64]).await.expect_err("it is none");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
