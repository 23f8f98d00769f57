//! Whole packets over a Unix socket of type SEQPACKET, with descriptors beside them.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::sys::socket::{setsockopt, sockopt::SndBufForce};
use rustix::{
    cmsg_space,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
        sendmsg, socketpair, sockopt::socket_type,
    },
    stdio::dup2_stdin,
};

/// The largest packet, in bytes.
pub const LARGEST: usize = 256 << 10;
/// The most descriptors beside one packet.
pub const DESCRIPTORS: usize = 64;
/// What the kernel may keep of one side; a packet takes a little more than its bytes.
const BUFFER: usize = 2 * LARGEST;

/// One end of a pair. Nothing here waits: what cannot be done now is an error of the kind `WouldBlock`.
#[derive(Debug)]
pub struct Packets(OwnedFd);

/// A packet.
#[derive(Debug)]
pub struct Received {
    /// Its bytes, of the buffer; 0 when the other end is gone.
    pub length: usize,
    /// What came beside it.
    pub descriptors: Vec<OwnedFd>,
}

impl Packets {
    /// Two ends that are connected.
    ///
    /// # Errors
    /// The kernel's.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        for end in [&one, &other] {
            // Without the privilege packets of the usual size go through all the same.
            _ = setsockopt(end, SndBufForce, &BUFFER);
        }
        Ok((Self(one), Self(other)))
    }

    /// The end that whoever started this process has put in the place of its standard input.
    ///
    /// # Errors
    /// There is no such socket.
    pub fn at_stdin() -> io::Result<Self> {
        let stdin = io::stdin();
        let is_end = socket_type(&stdin).is_ok_and(|kind| kind == SocketType::SEQPACKET);
        if !is_end {
            return Err(io::Error::other("it is started by `lb run`, not by hand"));
        }
        let end = stdin.as_fd().try_clone_to_owned()?;
        dup2_stdin(File::open("/dev/null")?)?;
        Ok(Self(end))
    }

    /// An end that came beside a packet.
    #[must_use]
    pub const fn from_descriptor(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Sends a packet, whole or not at all.
    ///
    /// # Errors
    /// It is too large, there is no room now, or the other end is gone.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        if bytes.len() > LARGEST || descriptors.len() > DESCRIPTORS {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            beside.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg(&self.0, &[IoSlice::new(bytes)], &mut beside, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Takes a packet.
    ///
    /// # Errors
    /// There is none now, or it does not fit.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let slices = &mut [IoSliceMut::new(buffer)];
        let received = recvmsg(&self.0, slices, &mut beside, RecvFlags::CMSG_CLOEXEC)?;
        let mut descriptors = Vec::new();
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet that is too large"));
        }
        Ok(Received { length: received.bytes, descriptors })
    }
}

impl AsFd for Packets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Packets {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<Packets> for OwnedFd {
    fn from(Packets(end): Packets) -> Self {
        end
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn packets_stay_whole_and_descriptors_come_with_them() {
        let (one, other) = Packets::pair().expect("a pair");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        one.send(b"first", &[]).expect("it is sent");
        one.send(b"second", &[writer.as_fd()]).expect("it is sent");
        drop(writer);
        let mut buffer = [0; 64];
        let first = other.receive(&mut buffer).expect("it comes");
        assert_eq!((&buffer[..first.length], first.descriptors.len()), (&b"first"[..], 0));
        let mut second = other.receive(&mut buffer).expect("it comes");
        assert_eq!(&buffer[..second.length], b"second");
        let mut writer = File::from(second.descriptors.pop().expect("it came"));
        writer.write_all(b"x").expect("it is the pipe");
        drop(writer);
        let mut read = String::new();
        reader.read_to_string(&mut read).expect("it was written");
        assert_eq!(read, "x");
    }

    #[test]
    fn nothing_waits() {
        let (one, other) = Packets::pair().expect("a pair");
        let empty = other.receive(&mut [0; 8]).expect_err("nothing was sent");
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        let full = std::iter::repeat_with(|| one.send(&[0; 1024], &[]))
            .take(1 << 20)
            .find_map(Result::err);
        assert_eq!(full.expect("nobody reads").kind(), io::ErrorKind::WouldBlock);
        drop(other);
        let gone = one.send(b"x", &[]).expect_err("nobody is there");
        let is_gone =
            [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe].contains(&gone.kind());
        assert!(is_gone, "{gone}");
    }

    #[test]
    fn the_end_and_what_is_too_large() {
        let (one, other) = Packets::pair().expect("a pair");
        let refused = one.send(&vec![0; LARGEST + 1], &[]).expect_err("it is too large");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        one.send(b"too long", &[]).expect("it is sent");
        let cut = other.receive(&mut [0; 4]).expect_err("it does not fit");
        assert_eq!(cut.kind(), io::ErrorKind::InvalidData);
        drop(one);
        assert_eq!(other.receive(&mut [0; 4]).expect("the end").length, 0);
    }
}
