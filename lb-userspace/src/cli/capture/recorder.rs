//! From the pieces of the agent's answer to the bytes of the file.

use std::time::Duration;

use anyhow::Context as _;

use crate::{
    api::{CaptureStart, Snap},
    capture::{Direction, Frame, Frames, PcapNg, Quota, Record, Wanted},
};

/// Writes what belongs into the file, and counts.
pub(super) struct Recorder {
    snap: Snap,
    frames: Frames,
    /// Once the agent has said how it begins.
    file: Option<PcapNg<Vec<u8>>>,
    quota: Quota,
    packets: u64,
    copies: u64,
    lost: u64,
}

impl Recorder {
    pub(super) fn new(count: Option<u64>, snap: Snap) -> Self {
        Self {
            snap,
            frames: Frames::default(),
            file: None,
            quota: Quota::new(count),
            packets: 0,
            copies: 0,
            lost: 0,
        }
    }

    /// Takes in a piece of the answer.
    pub(super) fn take(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        self.frames.push(piece);
        while let Some(frame) = self.frames.next_frame()? {
            match &mut self.file {
                None => self.file = Some(begin(&frame.bytes, self.snap)?),
                Some(_) => self.record(&frame)?,
            }
        }
        Ok(())
    }

    /// The bytes for the file that have come together since the last call.
    pub(super) fn written(&mut self) -> Vec<u8> {
        self.file.as_mut().map(|file| std::mem::take(file.get_mut())).unwrap_or_default()
    }

    /// The agent copies packets.
    pub(super) const fn has_begun(&self) -> bool {
        self.file.is_some()
    }

    /// All packets that were asked for have come in.
    pub(super) const fn full(&self) -> bool {
        self.quota.full()
    }

    /// Nothing is missing any more.
    pub(super) const fn done(&self) -> bool {
        self.quota.done()
    }

    /// What was captured, in words.
    pub(super) fn summary(&self) -> String {
        let Self { packets, copies, lost, .. } = self;
        format!("{packets} packets captured, {copies} copies written, {lost} copies lost")
    }

    fn record(&mut self, frame: &Frame) -> anyhow::Result<()> {
        self.lost += u64::from(frame.lost);
        let record = Record::parse(&frame.bytes)
            .context("the agent is of another version than this `lb`")?;
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.quota.note(&record) == Wanted::Yes {
            file.write(&record, frame.lost)?;
            self.copies += 1;
            self.packets += u64::from(record.direction == Direction::In);
        }
        Ok(())
    }
}

fn begin(bytes: &[u8], snap: Snap) -> anyhow::Result<PcapNg<Vec<u8>>> {
    let start: CaptureStart = serde_json::from_slice(bytes).context(
        "the agent's answer is not understood: is it of another version than this `lb`?",
    )?;
    let zero = Duration::from_nanos(start.zero_nanoseconds);
    Ok(PcapNg::begin(Vec::new(), &start.interfaces, zero, snap.bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::put_frame;

    fn record(out: u16) -> Vec<u8> {
        let mut bytes = 7_u64.to_ne_bytes().to_vec();
        for word in [2_u32, 60, 4] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend([out, 0].map(u16::to_ne_bytes).concat());
        bytes.extend(b"abcd");
        bytes
    }

    #[test]
    fn an_answer_becomes_a_file() {
        let mut recorder = Recorder::new(Some(1), Snap::default());
        let mut wire = Vec::new();
        put_frame(&mut wire, 0, br#"{"zero_nanoseconds":5,"interfaces":{"2":"eth0"}}"#);
        recorder.take(&wire).unwrap();
        assert!(recorder.has_begun() && !recorder.full());
        let head = recorder.written();
        assert!(!head.is_empty() && recorder.written().is_empty());
        let mut wire = Vec::new();
        for (lost, out) in [(3, 0), (0, 0), (0, 1), (0, 1)] {
            put_frame(&mut wire, lost, &record(out));
        }
        recorder.take(&wire).unwrap();
        assert!(recorder.done());
        assert_eq!(recorder.summary(), "1 packets captured, 2 copies written, 3 copies lost");
        assert!(!recorder.written().is_empty());
    }

    #[test]
    fn what_is_no_answer() {
        let mut wire = Vec::new();
        put_frame(&mut wire, 0, b"hello");
        let error = Recorder::new(None, Snap::default()).take(&wire).unwrap_err();
        assert!(error.to_string().contains("another version"), "{error}");
        let mut wire = Vec::new();
        put_frame(&mut wire, 0, br#"{"zero_nanoseconds":5,"interfaces":{}}"#);
        put_frame(&mut wire, 0, &record(0)[..27]);
        let error = Recorder::new(None, Snap::default()).take(&wire).unwrap_err();
        assert!(error.to_string().contains("another version"), "{error}");
    }
}
