//! Lines of the access log on their way from a data thread to the one that writes them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Lines of one thread, up to a number of bytes; what does not fit is counted and dropped. A data thread never waits for a
/// disk: the lock is held for the copy of one line, or for the moment in which the writer takes the whole buffer.
#[derive(Debug)]
pub struct LogBuffer {
    lines: Mutex<Vec<u8>>,
    most: usize,
    dropped: AtomicU64,
}

impl LogBuffer {
    /// For so many bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { lines: Mutex::new(Vec::new()), most, dropped: AtomicU64::new(0) }
    }

    /// Everything since the last time, each line with its line break, into `lines`, which is emptied first.
    pub fn take(&self, lines: &mut Vec<u8>) {
        lines.clear();
        let mut own = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *own, lines);
    }

    /// Lines that did not fit since the last time.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Relaxed)
    }

    /// One more line.
    pub(super) fn add(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lines.len();
        write(&mut lines);
        lines.push(b'\n');
        if lines.len() > self.most {
            lines.truncate(before);
            self.dropped.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let log = LogBuffer::new(8);
        for line in [&b"one"[..], b"two", b"three"] {
            log.add(|out| out.extend_from_slice(line));
        }
        let mut lines = Vec::new();
        log.take(&mut lines);
        assert_eq!(lines, b"one\ntwo\n");
        assert_eq!(log.take_dropped(), 1);
        log.add(|out| out.extend_from_slice(b"four"));
        log.take(&mut lines);
        assert_eq!(lines, b"four\n");
        assert_eq!(log.take_dropped(), 0);
    }
}
