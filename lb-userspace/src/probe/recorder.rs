//! The steps of a check that somebody wants to see, each with its time. Other checks carry a recorder that keeps
//! nothing, and costs a comparison.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::message::Step;

/// The most steps that are kept.
const STEPS: usize = 64;
/// The longest words of a step, in bytes.
const LONGEST: usize = 240;
/// What is shown of what was sent or received, in bytes.
const SHOWN: usize = 80;

/// Keeps steps, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Option<Arc<Record>>);

#[derive(Debug)]
struct Record {
    began: Instant,
    steps: Mutex<Vec<Step>>,
}

impl Recorder {
    /// One that keeps what it is told; times count from now.
    #[must_use]
    pub fn keeping() -> Self {
        Self(Some(Arc::new(Record { began: Instant::now(), steps: Mutex::default() })))
    }

    /// Something has happened. The words are only made where somebody wants them.
    pub fn note(&self, words: impl FnOnce() -> String) {
        let Some(record) = &self.0 else { return };
        let at = record.began.elapsed();
        let mut steps = record.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() < STEPS {
            let mut words = words();
            words.truncate(words.floor_char_boundary(LONGEST));
            steps.push(Step { at, words });
        }
    }

    /// Bytes were sent, or received.
    pub(super) fn note_bytes(&self, what: &str, bytes: &[u8]) {
        self.note(|| format!("{what} {} bytes: {}", bytes.len(), first_line(bytes)));
    }

    /// What was kept.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let Some(record) = &self.0 else { return Vec::new() };
        std::mem::take(&mut *record.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first line alone: what follows may be nobody else's business.
fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|&byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let shown = &line[..line.len().min(SHOWN)];
    let dots = if shown.len() < line.len() { "…" } else { "" };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_bounded() {
        let recorder = Recorder::keeping();
        for _ in 0..2 * STEPS {
            recorder.note(|| "ä".repeat(LONGEST));
        }
        let steps = recorder.steps();
        assert_eq!(steps.len(), STEPS);
        assert!(steps.iter().all(|step| step.words.len() <= LONGEST));
    }

    #[test]
    fn nothing_is_made_that_nobody_wants() {
        let recorder = Recorder::default();
        recorder.note(|| panic!("nobody wants it"));
        assert_eq!(recorder.steps(), []);
    }

    #[test]
    fn one_line_of_what_was_said() {
        assert_eq!(first_line(b"GET / HTTP/1.1\r\nAuthorization: x\r\n"), "\"GET / HTTP/1.1\"");
        assert_eq!(first_line(b"\x00\xff"), r#""\x00\xff""#);
        assert_eq!(first_line(&[b'a'; 81]), format!("\"{}\"…", "a".repeat(80)));
    }
}
