//! Asks a real server, each kind of check in its way.

use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::{CheckError, Purpose, connect};
use super::converse::{Awaited, converse};
use super::way::Way;
use super::{datagram, http2, tls};
use crate::health::Advice;
use crate::health::protocol::{self, AgentComplaint, Complaint, Conversation};
use crate::model::CheckKind;

/// What a check by TLS waits for at first.
pub(super) const TLS_HANDSHAKE: &str = "the end of the TLS handshake";

/// Makes the check. What it waits for is put down where it can be seen by whoever gives it up.
pub(super) async fn ask(
    kind: &CheckKind,
    way: &Way<'_>,
    awaited: &Awaited,
) -> Result<Advice, CheckError> {
    match kind {
        CheckKind::Dns(check) => datagram::dns(way, check, awaited).await.map(unadvised),
        CheckKind::Udp(check) => datagram::udp(way, check, awaited).await.map(unadvised),
        CheckKind::Ping => datagram::ping(way).await.map(unadvised),
        _ => over_connections(kind, way, awaited).await,
    }
}

const fn unadvised((): ()) -> Advice {
    Advice::NONE
}

/// Whose fault it is that a check did not pass: an agent that says nothing takes nobody out.
pub(super) fn blame(
    kind: &CheckKind,
    result: Result<Advice, CheckError>,
) -> Result<Advice, CheckError> {
    let is_agent = matches!(kind, CheckKind::Agent(_));
    result.map_err(|error| match error {
        CheckError::Answer(Complaint::Agent(AgentComplaint::Down { .. })) => error,
        error if is_agent && !error.is_local() => CheckError::NoWord(Box::new(error)),
        error => error,
    })
}

/// Each conversation has a connection of its own.
async fn over_connections(
    kind: &CheckKind,
    way: &Way<'_>,
    awaited: &Awaited,
) -> Result<Advice, CheckError> {
    let mut conversations = protocol::conversations(kind, way.called()).into_iter();
    let mut advice = over_one(kind, way, conversations.next(), awaited).await?;
    for conversation in conversations {
        advice = advice.and(over_one(kind, way, Some(conversation), awaited).await?);
    }
    Ok(advice)
}

async fn over_one(
    kind: &CheckKind,
    way: &Way<'_>,
    conversation: Option<Box<dyn Conversation>>,
    awaited: &Awaited,
) -> Result<Advice, CheckError> {
    awaited.put_anything();
    let purpose = if *kind == CheckKind::Tcp { Purpose::Answer } else { Purpose::Talk };
    let stream = connect(way, purpose).await?;
    let Some(tls) = kind.tls() else {
        return speak(kind, way, stream, conversation, awaited).await;
    };
    awaited.put(TLS_HANDSHAKE);
    let stream = tls::handshake(stream, tls, way.called().ip(), kind.speaks_http2()).await?;
    way.recorder.note(|| tls::words(&stream, tls));
    speak(kind, way, stream, conversation, awaited).await
}

/// Without a conversation it is HTTP/2, or all is said.
async fn speak(
    kind: &CheckKind,
    way: &Way<'_>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    conversation: Option<Box<dyn Conversation>>,
    awaited: &Awaited,
) -> Result<Advice, CheckError> {
    let address = way.called();
    match (kind, conversation) {
        (_, Some(conversation)) => converse(&mut stream, conversation, awaited).await,
        (CheckKind::Http(check), None) => {
            http2::http(stream, &check.requests, (address, false), awaited).await.map(unadvised)
        }
        (CheckKind::Https { http, .. }, None) => {
            http2::http(stream, &http.requests, (address, true), awaited).await.map(unadvised)
        }
        (CheckKind::Grpc(check), None) => {
            http2::grpc(stream, check, address, awaited).await.map(unadvised)
        }
        (_, None) => Ok(Advice::NONE),
    }
}
