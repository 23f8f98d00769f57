//! The client against servers of its own: one that speaks as the agent does, and some that do not.

use std::{
    fs::{Permissions, set_permissions},
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    sync::mpsc,
    thread,
    time::Instant,
};

use axum::{
    Json, Router,
    extract::Path as UrlPath,
    routing::{delete, get, put},
};
use tempfile::TempDir;

use super::*;
use crate::{
    api::{Done, NewWeight},
    model::Weight,
};

/// A folder with a socket in it, and a client with little patience.
struct Place {
    folder: TempDir,
    client: Client,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = Client {
            socket: folder.path().join("lb.sock"),
            timeout: Duration::from_secs(2),
            max_answer: 4096,
        };
        Self { folder, client }
    }

    fn done(&self) -> Result<Done, ClientError> {
        self.client.get("/v1/done")
    }

    /// Answers one request with `answer`, whatever it is, and then closes the connection.
    fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let (place, answer) = (Self::new(), answer.into());
        let listener = UnixListener::bind(&place.client.socket).unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            // The client may have seen enough.
            let _ = stream.write_all(&answer);
        });
        place
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn weigh(
    UrlPath((pool, server)): UrlPath<(String, String)>,
    body: Json<NewWeight>,
) -> Json<Done> {
    let message = format!("{pool}/{server} has weight {}", body.weight);
    Json(Done { message, steps: 1, ..Done::default() })
}

async fn refuse() -> (StatusCode, Json<Problem>) {
    (StatusCode::NOT_FOUND, Json(Problem { error: "there is no pool `x`\nat all".to_owned() }))
}

#[test]
fn an_agent_answers() {
    let place = Place::new();
    let socket = place.client.socket.clone();
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let router = Router::new()
                .route("/v1/pools/{pool}/servers/{server}/weight", put(weigh))
                .route("/v1/pools/{pool}/servers/{server}", delete(refuse))
                .route("/v1/garbage", get(async || "{]"));
            let listener = tokio::net::UnixListener::bind(socket).unwrap();
            ready.send(()).unwrap();
            let served = axum::serve(listener, router);
            served.with_graceful_shutdown(async { drop(stopped.await) }).await.unwrap();
        });
    });
    is_ready.recv_timeout(Duration::from_secs(5)).unwrap();
    let client = &place.client;

    let weight = NewWeight { weight: Weight::new(7).unwrap() };
    let done: Done = client.put_json("/v1/pools/web/servers/r1/weight", &weight).unwrap();
    assert_eq!(done.message, "web/r1 has weight 7");

    let problem = client.delete::<Done>("/v1/pools/x/servers/r1").unwrap_err();
    assert!(matches!(problem, ClientError::Problem(_)), "{problem:?}");
    assert_eq!(problem.to_string(), "there is no pool `x`\nat all");

    let garbage = client.get::<Done>("/v1/garbage").unwrap_err();
    assert!(garbage.to_string().contains("another version"), "{garbage}");
    // Not one of ours, so without a `Problem`.
    let unknown = client.post::<Done>("/v1/nothing").unwrap_err();
    assert!(unknown.to_string().contains("404"), "{unknown}");

    stop.send(()).unwrap();
    server.join().unwrap();
}

#[test]
fn what_is_no_http_is_refused() {
    for garbage in ["SSH-2.0-OpenSSH\r\n", "", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let error = Place::answering(garbage).done().unwrap_err();
        assert!(error.to_string().contains("socket of an `lb` agent?"), "{garbage}: {error}");
    }
}

#[test]
fn an_answer_is_bounded() {
    let place = Place::answering(http("200 OK", &"x".repeat(5000)));
    let error = place.done().unwrap_err();
    assert!(matches!(error, ClientError::TooLong { limit: 4096, .. }), "{error:?}");
}

#[test]
fn silence_is_bounded() {
    let mut place = Place::new();
    place.client.timeout = Duration::from_millis(100);
    // Connections wait in the queue of a socket that nobody accepts from.
    let _listener = UnixListener::bind(&place.client.socket).unwrap();
    let started = Instant::now();
    let error = place.done().unwrap_err().to_string();
    assert!(error.contains("within 100ms") && !error.contains("may still happen"), "{error}");
    let error = place.client.post::<Done>("/v1/reload").unwrap_err().to_string();
    assert!(error.contains("the change may still happen: see `lb status`"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn without_an_agent() {
    let place = Place::new();
    let path = place.client.socket.display().to_string();
    let error = place.done().unwrap_err().to_string();
    assert_eq!(
        error,
        format!("is `lb run` running? There is no socket at {path}; another place: --socket PATH")
    );

    drop(UnixListener::bind(&place.client.socket).unwrap());
    let error = place.done().unwrap_err().to_string();
    assert_eq!(
        error,
        format!("is `lb run` running? Nobody listens at {path}; another place: --socket PATH")
    );
    // Root may do everything, so permission is only tried as somebody else.
    if !nix::unistd::geteuid().is_root() {
        let allow = |mode| set_permissions(place.folder.path(), Permissions::from_mode(mode));
        allow(0o000).unwrap();
        let denied = place.done();
        allow(0o700).unwrap();
        assert!(matches!(denied, Err(ClientError::Denied(_))), "{denied:?}");
    }
    let denied = connect_error(&place.client.socket, io::ErrorKind::PermissionDenied.into());
    assert!(denied.to_string().starts_with(&format!("permission denied at {path}: ")));
}

#[test]
fn the_typed_socket_comes_first() {
    assert_eq!(socket(Some("/x".into())), Path::new("/x"));
}

#[test]
fn an_answer_without_an_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let place = Place::answering(format!("{head}3\r\nabc\r\n0\r\n\r\n"));
    let body = runtime.block_on(async {
        place.client.stream("/v1/capture", &()).await.unwrap().collect().await.unwrap().to_bytes()
    });
    assert_eq!(body, "abc");
    let place = Place::answering(http("422 Unprocessable Entity", r#"{"error":"one at a time"}"#));
    let error = runtime.block_on(place.client.stream("/v1/capture", &())).unwrap_err();
    assert!(matches!(&error, ClientError::Problem(words) if words == "one at a time"), "{error}");
}
