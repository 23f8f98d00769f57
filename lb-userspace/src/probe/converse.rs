//! Speaks with a real server: the reading and writing around a pure [`Conversation`].

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::CheckError;
use super::recorder::Recorder;
use crate::health::Advice;
use crate::health::protocol::{Conversation, Step};

/// Read at a time, in bytes.
const PORTION: usize = 4 << 10;

/// What a check waits for, and who wants to see what comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<RwLock<What>>, Recorder);

#[derive(Clone, Copy, Debug, Default)]
enum What {
    /// The first sign of life.
    #[default]
    Anything,
    /// This, over a connection.
    Words(&'static str),
    /// Nothing need come.
    Nothing,
}

impl Awaited {
    pub(super) fn new(recorder: &Recorder) -> Self {
        Self(Arc::default(), recorder.clone())
    }

    pub(super) const fn recorder(&self) -> &Recorder {
        &self.1
    }

    pub(super) fn put(&self, words: &'static str) {
        self.set(What::Words(words));
    }

    /// The next connection is not there yet.
    pub(super) fn put_anything(&self) {
        self.set(What::Anything);
    }

    /// From now on, silence is well.
    pub(super) fn put_nothing(&self) {
        self.set(What::Nothing);
    }

    fn set(&self, what: What) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// The verdict on a check that has taken all its time.
    pub(super) fn too_late(&self, timeout: Duration) -> Result<(), CheckError> {
        match *self.0.read().unwrap_or_else(PoisonError::into_inner) {
            What::Words(awaited) => Err(CheckError::Silent { awaited, timeout }),
            What::Anything => Err(CheckError::NoAnswer(timeout)),
            What::Nothing => Ok(()),
        }
    }
}

/// Speaks until there is a verdict: the server is well, and perhaps says how much it wants. The caller limits the
/// time.
pub(super) async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut conversation: Box<dyn Conversation>,
    awaited: &Awaited,
) -> Result<Advice, CheckError> {
    let mut say = conversation.opening();
    let mut portion = [0; PORTION];
    loop {
        let awaits = conversation.awaits();
        awaited.put(awaits);
        let broken = |error| CheckError::broken(awaits, error);
        // A server may answer, and close, before it has read all. Its answer counts.
        let written = stream.write_all(&say).await;
        if !say.is_empty() && written.is_ok() {
            awaited.recorder().note_bytes("sent", &say);
        }
        let count = match stream.read(&mut portion).await {
            // TLS without a goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            result => result.map_err(broken)?,
        };
        awaited.recorder().note_bytes("received", &portion[..count]);
        if count == 0 {
            written.map_err(broken)?;
            conversation.closed()?;
            return Ok(conversation.advice());
        }
        say = match conversation.receive(&portion[..count])? {
            Step::More => Vec::new(),
            Step::Send(bytes) => bytes,
            Step::Passed => return Ok(conversation.advice()),
        };
    }
}
