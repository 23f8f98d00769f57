//! Speaks with a real server: the reading and writing around a pure [`Conversation`].

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::CheckError;
use crate::health::protocol::{Conversation, Step};

/// Read at a time, in bytes.
const PORTION: usize = 4 << 10;

/// What a check waits for: nothing named while it connects.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<RwLock<Option<&'static str>>>);

impl Awaited {
    pub(super) fn put(&self, what: &'static str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// The words for a check that has taken too long.
    pub(super) fn too_late(&self, timeout: Duration) -> CheckError {
        match *self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Some(awaited) => CheckError::Silent { awaited, timeout },
            None => CheckError::NoAnswer(timeout),
        }
    }
}

/// Speaks until there is a verdict. The caller limits the time.
pub(super) async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut conversation: Box<dyn Conversation>,
    awaited: &Awaited,
) -> Result<(), CheckError> {
    let mut say = conversation.opening();
    let mut portion = [0; PORTION];
    loop {
        let awaits = conversation.awaits();
        awaited.put(awaits);
        let broken = |error| CheckError::broken(awaits, error);
        // A server may answer, and close, before it has read all. Its answer counts.
        let written = stream.write_all(&say).await;
        let count = match stream.read(&mut portion).await {
            // TLS without a goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            result => result.map_err(broken)?,
        };
        if count == 0 {
            written.map_err(broken)?;
            return Ok(conversation.closed()?);
        }
        say = match conversation.receive(&portion[..count])? {
            Step::More => Vec::new(),
            Step::Send(bytes) => bytes,
            Step::Passed => return Ok(()),
        };
    }
}
