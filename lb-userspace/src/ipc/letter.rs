//! Messages of any size: what does not fit into a packet goes into memory of its own, whose descriptor goes beside it.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{packets::LARGEST, post::Post};

/// The first byte of a packet: the message follows, or it is in the memory that came first beside the packet.
const HERE: u8 = 0;
const ENCLOSED: u8 = 1;
/// The largest message, in bytes.
const LARGEST_LETTER: u64 = 256 << 20;

impl Post {
    /// Sends a message, and descriptors: one less than fits beside a packet.
    ///
    /// # Errors
    /// There is no memory for it, or the other end is gone.
    pub async fn send_letter<M: Serialize + Sync>(
        &self,
        message: &M,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        // It may have keys in it: with all of its room from the start, nothing is left behind where it grew.
        let mut room = Counted(1);
        serde_json::to_writer(&mut room, message)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room.0));
        bytes.push(HERE);
        serde_json::to_writer(&mut *bytes, message)?;
        if bytes.len() <= LARGEST {
            return self.send(&bytes, descriptors).await;
        }
        let mut memory = File::from(memfd_create("lb-letter", MemfdFlags::CLOEXEC)?);
        memory.write_all(&bytes[1..])?;
        // The other end reads from where this one is.
        memory.rewind()?;
        let beside: Vec<_> =
            [memory.as_fd()].into_iter().chain(descriptors.iter().copied()).collect();
        self.send(&[ENCLOSED], &beside).await
    }

    /// Takes a message, and what came beside it. `None`: the other end is gone. What a stranger may say must not come this
    /// way: a letter can be large.
    ///
    /// # Errors
    /// What came is no such message.
    pub async fn letter<M: DeserializeOwned>(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let Some((bytes, mut descriptors)) = self.receive(buffer).await? else { return Ok(None) };
        match bytes {
            [HERE, message @ ..] => Ok(Some((serde_json::from_slice(message)?, descriptors))),
            [ENCLOSED] if !descriptors.is_empty() => {
                let file = File::from(descriptors.remove(0));
                let length = file.metadata()?.len().min(LARGEST_LETTER);
                let room = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
                let mut message = Zeroizing::new(Vec::with_capacity(room));
                file.take(LARGEST_LETTER).read_to_end(&mut message)?;
                Ok(Some((serde_json::from_slice(&message)?, descriptors)))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a packet that is no letter")),
        }
    }
}

/// Counts what would be written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::Packets;

    fn posts() -> [Post; 2] {
        let (one, other) = Packets::pair().expect("a pair");
        [one, other].map(|end| Post::new(end).expect("a post"))
    }

    #[tokio::test]
    async fn short_and_long() {
        let [one, other] = posts();
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut buffer = vec![0; LARGEST];
        for length in [0, 10, LARGEST - 3, LARGEST - 2, 5 * LARGEST] {
            let sent = "x".repeat(length);
            one.send_letter(&sent, &[writer.as_fd()]).await.expect("it is sent");
            let (heard, mut beside) = other.letter::<String>(&mut buffer).await.unwrap().unwrap();
            assert!(heard == sent, "{length}");
            assert_eq!(beside.len(), 1, "{length}");
            File::from(beside.remove(0)).write_all(b"x").expect("it is the pipe");
            reader.read_exact(&mut [0]).expect("it was written");
        }
        drop(one);
        assert!(other.letter::<String>(&mut buffer).await.expect("the end").is_none());
    }

    #[tokio::test]
    async fn what_is_no_letter() {
        let [one, other] = posts();
        for bytes in [&[HERE][..], &[ENCLOSED], &[7, 7], &[HERE, b'{']] {
            one.send(bytes, &[]).await.expect("it is sent");
            let error = other.letter::<String>(&mut [0; 64]).await.expect_err("it is none");
            assert!(
                [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof].contains(&error.kind()),
                "{bytes:?}: {error}"
            );
        }
    }
}
