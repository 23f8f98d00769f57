//! Log lines of the program itself (build feature `ebpf-log`; never in a release).

use std::{thread, time::Duration};

use aya::Ebpf;
use aya_log::EbpfLogger;

/// How often lines are fetched.
const INTERVAL: Duration = Duration::from_millis(200);

/// Prints what the program logs for as long as the process lives.
pub(super) fn start(ebpf: &mut Ebpf) {
    let logger = EbpfLogger::init(ebpf);
    let mut logger = match logger {
        Ok(logger) => logger,
        Err(error) => return tracing::warn!(%error, "the program's log lines cannot be read"),
    };
    thread::spawn(move || {
        loop {
            logger.flush();
            thread::sleep(INTERVAL);
        }
    });
}
