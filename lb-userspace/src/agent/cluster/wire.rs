//! One question and its answer over TCP.
//!
//! ```text
//! the one that answers   challenge (32 bytes)
//! the one that asks      nonce (32)  length (u32)  proof (32)  question (JSON)
//! the one that answers               length (u32)  proof (32)  answer (JSON)
//! ```
//!
//! A message is parsed after its proof was found to be right: what a stranger sends is a length and bytes.

use std::{io, net::SocketAddr, time::Duration};

use rustls::crypto::aws_lc_rs;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::cluster::{Answer, LONGEST, Meeting, NONCE, Question, SealKey, TAG, Way};

/// How long a question and its answer may take.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// Why another director was not asked, or has not asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum WireError {
    /// It cannot be reached.
    #[error("it is not reached: {0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("it has not answered within {} s", LIMIT.as_secs())]
    Late,
    /// The proof is wrong.
    #[error("it has another seed: name the same `seed_file` under [node] of both")]
    Seed,
    /// It went away when it saw our proof.
    #[error("it has hung up: its seed is another, or this director is not among its `peers`")]
    HungUp,
    /// The length cannot be meant.
    #[error("it sent a message of {0} bytes")]
    Length(u32),
    /// The message is of another version.
    #[error("it is of another version: {0}")]
    Version(#[from] serde_json::Error),
    /// No random numbers.
    #[error("this host has no random numbers")]
    Random,
}

/// Asks another director.
///
/// # Errors
/// [`WireError`]: there is no answer, or none to be trusted.
pub(super) async fn ask(
    peer: SocketAddr,
    key: &SealKey,
    question: &Question,
) -> Result<Answer, WireError> {
    within(async {
        let mut stream = TcpStream::connect(peer).await?;
        let mut challenge = [0; NONCE];
        stream.read_exact(&mut challenge).await.map_err(hung_up)?;
        let meeting = Meeting { challenge, nonce: random()? };
        stream.write_all(&meeting.nonce).await?;
        send(&mut stream, key, &meeting, Way::Question, question).await?;
        receive(&mut stream, key, &meeting, Way::Answer).await
    })
    .await
}

/// Hears the question of another director, and hands out what [`reply`] needs.
///
/// # Errors
/// [`WireError`]: there is none, or none to be trusted.
pub(super) async fn hear(
    stream: &mut TcpStream,
    key: &SealKey,
) -> Result<(Question, Meeting), WireError> {
    within(async {
        let challenge = random()?;
        stream.write_all(&challenge).await?;
        let mut meeting = Meeting { challenge, nonce: [0; NONCE] };
        stream.read_exact(&mut meeting.nonce).await.map_err(hung_up)?;
        let question = receive(stream, key, &meeting, Way::Question).await?;
        Ok((question, meeting))
    })
    .await
}

/// Answers it.
///
/// # Errors
/// [`WireError`]: it has gone away.
pub(super) async fn reply(
    stream: &mut TcpStream,
    key: &SealKey,
    meeting: &Meeting,
    answer: &Answer,
) -> Result<(), WireError> {
    within(send(stream, key, meeting, Way::Answer, answer)).await
}

async fn within<T>(work: impl Future<Output = Result<T, WireError>>) -> Result<T, WireError> {
    timeout(LIMIT, work).await.unwrap_or(Err(WireError::Late))
}

async fn send(
    stream: &mut TcpStream,
    key: &SealKey,
    meeting: &Meeting,
    way: Way,
    message: &impl Serialize,
) -> Result<(), WireError> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(key.tag(meeting, way, &body));
    bytes.extend(body);
    stream.write_all(&bytes).await?;
    Ok(())
}

async fn receive<T: DeserializeOwned>(
    stream: &mut TcpStream,
    key: &SealKey,
    meeting: &Meeting,
    way: Way,
) -> Result<T, WireError> {
    let said = stream.read_u32().await.map_err(hung_up)?;
    let length = usize::try_from(said).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or(WireError::Length(said))?;
    let mut tag = [0; TAG];
    stream.read_exact(&mut tag).await.map_err(hung_up)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(hung_up)?;
    if !key.proves(meeting, way, &body, &tag) {
        return Err(WireError::Seed);
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Strangers are not told why.
fn hung_up(error: io::Error) -> WireError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => WireError::HungUp,
        _ => error.into(),
    }
}

fn random() -> Result<[u8; NONCE], WireError> {
    let mut nonce = [0; NONCE];
    let source = aws_lc_rs::default_provider().secure_random;
    source.fill(&mut nonce).map_err(|_| WireError::Random)?;
    Ok(nonce)
}

#[cfg(test)]
#[path = "wire_test.rs"]
mod tests;
