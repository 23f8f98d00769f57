//! The control socket: HTTP with JSON over a Unix socket, as [`crate::api`] describes it.
//!
//! Requests become [`Command`]s for the agent's loop, one at a time. Whoever may open the socket may look;
//! changes are for root and for the user the agent runs as, told by the peer's credentials.

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    os::unix::{fs::PermissionsExt as _, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{
        ConnectInfo, DefaultBodyLimit, Path as UrlPath, Query, State,
        connect_info::Connected,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
    serve::IncomingStream,
};
use futures_util::stream;
use nix::unistd::{Uid, geteuid};
use serde::Deserialize;
use tokio::{
    net::{UnixListener, unix::UCred},
    sync::{mpsc, oneshot},
};

use super::capture::Chunks;
use crate::{
    api::{
        Change, CheckStatus, CheckTest, Done, GuardReport, NewCapture, NewPrefixes, NewServer,
        NewState, NewWeight, Problem, Status, Trace, VrrpStatus,
    },
    model::{Name, Protocol},
};

/// Commands that wait for the loop; more callers wait in their connections.
const QUEUE: usize = 64;
/// The largest body that is read.
const BODY: usize = 64 * 1024;
/// The largest body with prefixes: about a million of them.
const PREFIXES_BODY: usize = 32 * 1024 * 1024;

/// A change of guard lists that an operator asks for.
#[derive(Debug)]
pub(super) enum GuardChange {
    Put(NewPrefixes),
    Clear(Option<Name>),
}

/// `?pool=…&server=…`: the checks of these alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichChecks {
    pub(super) pool: Option<Name>,
    pub(super) server: Option<Name>,
}

/// What the loop is asked.
#[derive(Debug)]
pub(super) enum Command {
    Status(oneshot::Sender<Status>),
    Trace { protocol: Protocol, client: SocketAddr, vip: SocketAddr, reply: Reply<Trace> },
    Change { pool: Name, change: Change, everywhere: bool, reply: Reply<Done> },
    Guard(GuardChange, Reply<Done>),
    GuardReport(Option<Name>, Reply<GuardReport>),
    Reload(Reply<Done>),
    Health(WhichChecks, Reply<Vec<CheckStatus>>),
    TestChecks { pool: Name, server: Name, reply: Reply<Vec<CheckTest>> },
    Vrrp(oneshot::Sender<Vec<VrrpStatus>>),
    MoveVips { instance: Name, take: bool, reply: Reply<Done> },
    Capture(NewCapture, Reply<Chunks>),
}

/// Where an answer goes: what was done, or why not, in words.
pub(super) type Reply<T> = oneshot::Sender<Result<T, String>>;

/// A socket that could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    /// Another agent answers there.
    #[error(
        "another agent answers on {}: stop it first, or set another `socket` under [node]",
        .0.display()
    )]
    InUse(PathBuf),
    /// The system refused.
    #[error("the control socket {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// Makes sure that nobody answers on the socket.
///
/// # Errors
/// [`ControlError::InUse`]: another agent does.
pub(super) fn check_free(path: &Path) -> Result<(), ControlError> {
    match StdUnixStream::connect(path) {
        Ok(_) => Err(ControlError::InUse(path.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Opens the socket (mode 0660) and serves it on the current runtime.
///
/// # Errors
/// [`ControlError`]: another agent is there, or the place cannot be used.
pub(super) fn serve(path: &Path) -> Result<mpsc::Receiver<Command>, ControlError> {
    let failed = |error| ControlError::Io(path.to_owned(), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    check_free(path)?;
    if path.exists() {
        // Left behind by an agent that did not end by itself.
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(failed)?;
    let (commands, receiver) = mpsc::channel(QUEUE);
    let service = router(commands).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the control socket is closed");
        }
    });
    Ok(receiver)
}

fn router(commands: mpsc::Sender<Command>) -> Router {
    let guard = get(guard_report).put(put_guard).delete(clear_guard);
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/trace", get(trace))
        .route("/v1/reload", post(reload))
        .route("/v1/vrrp", get(vrrp))
        .route("/v1/health", get(health))
        .route("/v1/health/{pool}/{server}/test", post(test_checks))
        .route("/v1/vrrp/{instance}/release", post(release_vips))
        .route("/v1/vrrp/{instance}/take", post(take_vips))
        .route("/v1/capture", post(capture))
        .route("/v1/guard", guard.layer(DefaultBodyLimit::max(PREFIXES_BODY)))
        .route("/v1/pools/{pool}/servers", post(add))
        .route("/v1/pools/{pool}/servers/{server}", delete(remove))
        .route("/v1/pools/{pool}/servers/{server}/state", put(state))
        .route("/v1/pools/{pool}/servers/{server}/weight", put(weight))
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "no such request".to_owned()) })
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(commands)
}

/// Who has connected.
#[derive(Clone, Debug)]
struct Peer(Option<UCred>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok())
    }
}

impl Peer {
    fn may_change(&self) -> Result<(), Refusal> {
        let uid = self.0.map(|credentials| Uid::from_raw(credentials.uid()));
        if uid.is_some_and(|uid| uid.is_root() || uid == geteuid()) {
            return Ok(());
        }
        let who = uid.map_or_else(|| "an unknown user".to_owned(), |uid| format!("user {uid}"));
        tracing::warn!(who, "a change was refused");
        let words = format!("{who} may look but not change: run the command as root");
        Err(Refusal::new(StatusCode::FORBIDDEN, words))
    }
}

/// An answer other than 200.
#[derive(Debug)]
struct Refusal {
    code: StatusCode,
    words: String,
}

impl Refusal {
    const fn new(code: StatusCode, words: String) -> Self {
        Self { code, words }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.code, Json(Problem { error: self.words })).into_response()
    }
}

macro_rules! bad_request {
    ($($rejection:ty),+) => {
        $(impl From<$rejection> for Refusal {
            fn from(rejection: $rejection) -> Self {
                Self::new(rejection.status(), rejection.body_text())
            }
        })+
    };
}
bad_request!(JsonRejection, PathRejection, QueryRejection);

type Commands = State<mpsc::Sender<Command>>;
type Answer<T> = Result<Json<T>, Refusal>;

async fn status(State(commands): Commands) -> Answer<Status> {
    let (reply, answer) = oneshot::channel();
    let sent = commands.send(Command::Status(reply)).await;
    let status = if sent.is_ok() { answer.await.ok() } else { None };
    status.map(Json).ok_or_else(stopping)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceQuery {
    protocol: Protocol,
    client: SocketAddr,
    vip: SocketAddr,
}

async fn trace(
    State(commands): Commands,
    query: Result<Query<TraceQuery>, QueryRejection>,
) -> Answer<Trace> {
    let Query(TraceQuery { protocol, client, vip }) = query?;
    ask(&commands, |reply| Command::Trace { protocol, client, vip, reply }).await.map(Json)
}

async fn reload(State(commands): Commands, ConnectInfo(peer): ConnectInfo<Peer>) -> Answer<Done> {
    peer.may_change()?;
    ask(&commands, Command::Reload).await.map(Json)
}

async fn health(
    State(commands): Commands,
    query: Result<Query<WhichChecks>, QueryRejection>,
) -> Answer<Vec<CheckStatus>> {
    let Query(which) = query?;
    ask(&commands, |reply| Command::Health(which, reply)).await.map(Json)
}

/// It makes this host send packets: for those alone who may change things.
async fn test_checks(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    path: Result<UrlPath<(Name, Name)>, PathRejection>,
) -> Answer<Vec<CheckTest>> {
    peer.may_change()?;
    let UrlPath((pool, server)) = path?;
    ask(&commands, |reply| Command::TestChecks { pool, server, reply }).await.map(Json)
}

async fn vrrp(State(commands): Commands) -> Answer<Vec<VrrpStatus>> {
    let (reply, answer) = oneshot::channel();
    let sent = commands.send(Command::Vrrp(reply)).await;
    let instances = if sent.is_ok() { answer.await.ok() } else { None };
    instances.map(Json).ok_or_else(stopping)
}

async fn release_vips(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    path: Result<UrlPath<Name>, PathRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let UrlPath(instance) = path?;
    ask(&commands, |reply| Command::MoveVips { instance, take: false, reply }).await.map(Json)
}

async fn take_vips(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    path: Result<UrlPath<Name>, PathRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let UrlPath(instance) = path?;
    ask(&commands, |reply| Command::MoveVips { instance, take: true, reply }).await.map(Json)
}

/// Packets are their senders' secrets: for those alone who may change things.
async fn capture(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    body: Result<Json<NewCapture>, JsonRejection>,
) -> Result<Response, Refusal> {
    peer.may_change()?;
    let Json(asked) = body?;
    let chunks = ask(&commands, |reply| Command::Capture(asked, reply)).await?;
    let next = |mut chunks: Chunks| async {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, Infallible>(chunk), chunks))
    };
    Ok(Body::from_stream(stream::unfold(chunks, next)).into_response())
}

async fn add(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    place: Where,
    path: Result<UrlPath<Name>, PathRejection>,
    body: Result<Json<NewServer>, JsonRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let (UrlPath(pool), Json(server)) = (path?, body?);
    change(&commands, pool, Change::Add(server), place).await
}

async fn remove(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    place: Where,
    path: Result<UrlPath<(Name, Name)>, PathRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let UrlPath((pool, server)) = path?;
    change(&commands, pool, Change::Remove(server), place).await
}

async fn state(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    place: Where,
    path: Result<UrlPath<(Name, Name)>, PathRejection>,
    body: Result<Json<NewState>, JsonRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let (UrlPath((pool, server)), Json(state)) = (path?, body?);
    change(&commands, pool, Change::State(server, state), place).await
}

async fn weight(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    place: Where,
    path: Result<UrlPath<(Name, Name)>, PathRejection>,
    body: Result<Json<NewWeight>, JsonRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let (UrlPath((pool, server)), Json(weight)) = (path?, body?);
    change(&commands, pool, Change::Weight(server, weight), place).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardQuery {
    service: Option<Name>,
}

async fn guard_report(
    State(commands): Commands,
    query: Result<Query<GuardQuery>, QueryRejection>,
) -> Answer<GuardReport> {
    let Query(GuardQuery { service }) = query?;
    ask(&commands, |reply| Command::GuardReport(service, reply)).await.map(Json)
}

async fn put_guard(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    body: Result<Json<NewPrefixes>, JsonRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let Json(new) = body?;
    ask(&commands, |reply| Command::Guard(GuardChange::Put(new), reply)).await.map(Json)
}

async fn clear_guard(
    State(commands): Commands,
    ConnectInfo(peer): ConnectInfo<Peer>,
    query: Result<Query<GuardQuery>, QueryRejection>,
) -> Answer<Done> {
    peer.may_change()?;
    let Query(GuardQuery { service }) = query?;
    ask(&commands, |reply| Command::Guard(GuardChange::Clear(service), reply)).await.map(Json)
}

/// `?everywhere=true`: on the other directors, too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeQuery {
    #[serde(default)]
    everywhere: bool,
}

type Where = Result<Query<ChangeQuery>, QueryRejection>;

async fn change(
    commands: &mpsc::Sender<Command>,
    pool: Name,
    change: Change,
    place: Where,
) -> Answer<Done> {
    let Query(ChangeQuery { everywhere }) = place?;
    ask(commands, |reply| Command::Change { pool, change, everywhere, reply }).await.map(Json)
}

async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    command: impl FnOnce(Reply<T>) -> Command,
) -> Result<T, Refusal> {
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).await.map_err(|_| stopping())?;
    let answer = answer.await.map_err(|_| stopping())?;
    answer.map_err(|words| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, words))
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping".to_owned())
}
