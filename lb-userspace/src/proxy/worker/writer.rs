//! Writes the lines of the access log that data threads have left, so that none of them waits for it.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use tracing::warn;

use crate::proxy::LogBuffer;

/// Bytes of lines that wait, of each thread.
pub(super) const ROOM: usize = 4 << 20;
/// How long a line waits for others: each write is a system call.
const GATHERING: Duration = Duration::from_millis(50);

/// Writes what there is, again and again; ends with the process.
pub(super) fn write_on(logs: &[Arc<LogBuffer>], mut out: impl Write) {
    let mut lines = Vec::new();
    loop {
        std::thread::sleep(GATHERING);
        for log in logs {
            log.take(&mut lines);
            write(&mut out, &lines);
            let dropped = log.take_dropped();
            if dropped > 0 {
                warn!(
                    lines = dropped,
                    "the access log is slower than the traffic: lines were dropped"
                );
            }
        }
    }
}

fn write(out: &mut impl Write, lines: &[u8]) {
    if lines.is_empty() {
        return;
    }
    // Whoever was to read them has gone: so be it.
    let _: io::Result<()> = out.write_all(lines).and_then(|()| out.flush());
}
