//! A client of the agent's control socket: one request a connection, bounded in time and in size.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;

use crate::{api::Problem, model::Node};

/// How long a request and its answer may take together.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer without an end may take to begin: the kernel checks a new program before that.
const BEGINNING: Duration = Duration::from_secs(30);

/// The longest answer: the status of a full counter map is about 16 MiB.
const MAX_ANSWER: usize = 64 << 20;

/// The environment variable that names the socket.
const SOCKET_VARIABLE: &str = "LB_SOCKET";

/// Speaks with one agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    timeout: Duration,
    max_answer: usize,
}

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing at that path.
    #[error(
        "is `lb run` running? There is no socket at {}; another place: --socket PATH",
        .0.display()
    )]
    NoSocket(PathBuf),
    /// A socket that an agent has left behind.
    #[error(
        "is `lb run` running? Nobody listens at {}; another place: --socket PATH",
        .0.display()
    )]
    NotListening(PathBuf),
    /// Not for this user.
    #[error(
        "permission denied at {}: try it as root (`sudo lb …`), or as a member of the socket's group",
        .0.display()
    )]
    Denied(PathBuf),
    /// Anything else that keeps us from connecting.
    #[error("cannot connect to {}", .socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No answer in time.
    #[error(
        "no answer from {} within {:?}: the agent is busy or stopped{}",
        .socket.display(), .after, if *.changes { "; the change may still happen: see `lb status`" } else { "" }
    )]
    Timeout {
        /// The socket.
        socket: PathBuf,
        /// How long we waited.
        after: Duration,
        /// Was a change asked for?
        changes: bool,
    },
    /// The connection broke, or what listens speaks no HTTP.
    #[error("no valid answer from {}: is it the socket of an `lb` agent?", .socket.display())]
    Exchange {
        /// The socket.
        socket: PathBuf,
        /// What went wrong.
        source: hyper::Error,
    },
    /// More than is read.
    #[error("the answer from {} is longer than {limit} bytes", .socket.display())]
    TooLong {
        /// The socket.
        socket: PathBuf,
        /// What is read.
        limit: usize,
    },
    /// An answer that is not of this version.
    #[error(
        "the agent's answer ({status}) is not understood: is it of another version than this `lb`?"
    )]
    Answer {
        /// The HTTP status.
        status: StatusCode,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The request cannot be written down: a defect.
    #[error("cannot put the request into words")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client's runtime does not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The agent refused; its own words.
    #[error("{0}")]
    Problem(String),
}

/// The socket to use: the one that was typed, else that of the environment, else the default.
#[must_use]
pub fn socket(typed: Option<PathBuf>) -> PathBuf {
    typed
        .or_else(|| env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty()).map(Into::into))
        .unwrap_or_else(|| Node::DEFAULT_SOCKET.into())
}

impl Client {
    /// A client of the agent at `socket`; connects with each request.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, timeout: TIMEOUT, max_answer: MAX_ANSWER }
    }

    /// Asks.
    pub fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, ClientError> {
        self.send(Method::GET, path, Bytes::new())
    }

    /// Asks for something to be done.
    pub fn post<A: DeserializeOwned>(&self, path: &str) -> Result<A, ClientError> {
        self.send(Method::POST, path, Bytes::new())
    }

    /// Asks for something to be done that may take so long.
    pub fn post_within<A: DeserializeOwned>(
        &self,
        path: &str,
        timeout: Duration,
    ) -> Result<A, ClientError> {
        Self { timeout, ..self.clone() }.post(path)
    }

    /// Adds something.
    pub fn post_json<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        self.send(Method::POST, path, json(body)?)
    }

    /// Sets something.
    pub fn put_json<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        self.send(Method::PUT, path, json(body)?)
    }

    /// Removes something.
    pub fn delete<A: DeserializeOwned>(&self, path: &str) -> Result<A, ClientError> {
        self.send(Method::DELETE, path, Bytes::new())
    }

    fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<A, ClientError> {
        let changes = method != Method::GET;
        let request = request(method, path, body)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ClientError::Runtime)?;
        let (status, body) =
            runtime.block_on(self.in_time(self.timeout, changes, self.exchange(request)))?;
        read(status, &body)
    }

    /// Asks for something that has no end: the answer as it comes. Only its beginning is bounded in time.
    pub async fn stream(&self, path: &str, body: &impl Serialize) -> Result<Incoming, ClientError> {
        let request = request(Method::POST, path, json(body)?)?;
        let answer = self.in_time(BEGINNING, true, self.open(request)).await?;
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(answer.into_body());
        }
        let body = self.in_time(self.timeout, true, self.body(answer.into_body())).await?;
        Err(refused(status, &body))
    }

    async fn in_time<A>(
        &self,
        after: Duration,
        changes: bool,
        work: impl Future<Output = Result<A, ClientError>>,
    ) -> Result<A, ClientError> {
        // The timer belongs to the runtime that polls it.
        tokio::time::timeout(after, work).await.unwrap_or_else(|_| {
            Err(ClientError::Timeout { socket: self.socket.clone(), after, changes })
        })
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let answer = self.open(request).await?;
        Ok((answer.status(), self.body(answer.into_body()).await?))
    }

    async fn open(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
        let broken = |source| ClientError::Exchange { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| connect_error(&self.socket, error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // What goes wrong with the connection, the sender says.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(broken)
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, ClientError> {
        let socket = || self.socket.clone();
        match Limited::new(body, self.max_answer).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(ClientError::TooLong { socket: socket(), limit: self.max_answer })
            }
            Err(error) => Err(match error.downcast() {
                Ok(source) => ClientError::Exchange { socket: socket(), source: *source },
                Err(other) => {
                    ClientError::Connect { socket: socket(), source: io::Error::other(other) }
                }
            }),
        }
    }
}

fn request(method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "lb")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|error| ClientError::Request(error.into()))
}

fn json(body: &impl Serialize) -> Result<Bytes, ClientError> {
    let text = serde_json::to_vec(body).map_err(|error| ClientError::Request(error.into()))?;
    Ok(text.into())
}

fn read<A: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<A, ClientError> {
    if status == StatusCode::OK {
        return serde_json::from_slice(body)
            .map_err(|source| ClientError::Answer { status, source });
    }
    Err(refused(status, body))
}

/// What an answer other than 200 says.
fn refused(status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice(body) {
        Ok(Problem { error }) => ClientError::Problem(error),
        Err(source) => ClientError::Answer { status, source },
    }
}

fn connect_error(socket: &Path, source: io::Error) -> ClientError {
    let socket = socket.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => ClientError::NoSocket(socket),
        io::ErrorKind::ConnectionRefused => ClientError::NotListening(socket),
        io::ErrorKind::PermissionDenied => ClientError::Denied(socket),
        _ => ClientError::Connect { socket, source },
    }
}

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
