//! The body of a capture's answer: frames, each with its length and with the records that were lost before it.
//!
//! ```text
//! ┌──────────────┬───────────────┬─────────────────┐
//! │ length (u32) │ lost (u32)    │ `length` bytes  │   numbers in network order
//! └──────────────┴───────────────┴─────────────────┘
//! ```
//!
//! The first frame is [`crate::api::CaptureStart`] as JSON, the others are records ([`super::Record`]).

/// The longest frame that is read: names of very many interfaces, or a packet.
pub const LONGEST_FRAME: usize = 1 << 20;

/// Length and loss.
const HEADER: usize = 8;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Records that the agent had no room for, since the frame before.
    pub lost: u32,
    /// What it carries.
    pub bytes: Vec<u8>,
}

/// A frame that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {0} bytes: the agent is of another version than this `lb`")]
pub struct FrameError(u32);

/// Writes a frame behind others. What no frame can carry is left out and false is returned.
pub fn put_frame(to: &mut Vec<u8>, lost: u32, bytes: &[u8]) -> bool {
    let Ok(length) = u32::try_from(bytes.len()) else { return false };
    if bytes.len() > LONGEST_FRAME {
        return false;
    }
    to.extend(length.to_be_bytes());
    to.extend(lost.to_be_bytes());
    to.extend(bytes);
    true
}

/// Puts together what comes in pieces.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
    /// Bytes of `waiting` that were handed out already.
    done: usize,
}

impl Frames {
    /// Takes in a piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.waiting.drain(..self.done);
        self.done = 0;
        self.waiting.extend(piece);
    }

    /// The next whole frame; `None` where more has to come first.
    ///
    /// # Errors
    /// [`FrameError`]: a length beyond [`LONGEST_FRAME`]; nothing after it can be read.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(waiting) = self.waiting.get(self.done..) else { return Ok(None) };
        let Some((&[a, b, c, d, e, f, g, h], rest)) = waiting.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let (said, lost) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let length = usize::try_from(said).ok().filter(|length| *length <= LONGEST_FRAME);
        let length = length.ok_or(FrameError(said))?;
        let Some(bytes) = rest.get(..length) else { return Ok(None) };
        let frame = Frame { lost, bytes: bytes.to_vec() };
        self.done += HEADER + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_pieces_the_frames_are_the_same(
            wanted in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
            piece in 1_usize..50,
        ) {
            let mut wire = Vec::new();
            for (lost, bytes) in &wanted {
                prop_assert!(put_frame(&mut wire, *lost, bytes));
            }
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for piece in wire.chunks(piece) {
                frames.push(piece);
                while let Some(frame) = frames.next_frame().unwrap() {
                    found.push((frame.lost, frame.bytes));
                }
            }
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_length_that_cannot_be_meant() {
        let mut frames = Frames::default();
        frames.push(&[0xff; 8]);
        assert_eq!(frames.next_frame(), Err(FrameError(u32::MAX)));
        let mut wire = Vec::new();
        assert!(!put_frame(&mut wire, 0, &vec![0; LONGEST_FRAME + 1]));
        assert!(wire.is_empty());
    }
}
