//! However messages are cut into segments, and however little is taken at a time, both sides get the same.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waiting, Poll};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::proxy::LogBuffer;
use crate::proxy::engine::Engine;
use crate::proxy::settings::Mode;
use crate::proxy::shared::Shared;
use crate::proxy::tests::server::{Peer, server};
use crate::proxy::tests::stage::{memory, settings};

/// A client that sends these segments, each on its own, and takes so many bytes at a time.
struct Script {
    segments: VecDeque<Vec<u8>>,
    taken: Rc<RefCell<Vec<u8>>>,
    at_a_time: usize,
    /// Each second attempt has to wait.
    pause: bool,
}

impl Script {
    fn pauses(&mut self, cx: &Waiting<'_>) -> bool {
        self.pause = !self.pause;
        if self.pause {
            cx.waker().wake_by_ref();
        }
        self.pause
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Waiting<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.pauses(cx) {
            return Poll::Pending;
        }
        if let Some(mut segment) = self.segments.pop_front() {
            let rest = segment.split_off(segment.len().min(buffer.remaining()));
            buffer.put_slice(&segment);
            if !rest.is_empty() {
                self.segments.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Waiting<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.pauses(cx) {
            return Poll::Pending;
        }
        let length = bytes.len().min(self.at_a_time);
        self.taken.borrow_mut().extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Waiting<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Waiting<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for Script {
    fn has_input(&self) -> bool {
        !self.segments.is_empty()
    }
}

/// Head and body of a message; chunks may be cut anew on the way.
type Message = (String, Vec<u8>);

fn message(peer: &mut Peer) -> Option<Message> {
    let head = peer.head()?;
    let field = |name: &str| Some(head.split(name).nth(1)?.lines().next()?.to_owned());
    let mut body = Vec::new();
    if let Some(length) = field("Content-Length: ") {
        body = peer.bytes(length.parse().unwrap());
    } else if head.contains("chunked") {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.extend(peer.bytes(1));
            }
            let size = String::from_utf8(line).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            body.extend(peer.bytes(size));
            assert_eq!(peer.bytes(2), b"\r\n");
            if size == 0 {
                break;
            }
        }
    }
    Some((head, body))
}

fn messages(bytes: &[u8]) -> Vec<Message> {
    let (mut peer, mut all) = (Peer::of(bytes), Vec::new());
    all.extend(std::iter::from_fn(|| message(&mut peer)));
    all
}

/// `bytes` cut at these shares of them, in 65,536ths.
fn cut(bytes: &[u8], cuts: &[u16]) -> VecDeque<Vec<u8>> {
    let mut places: Vec<_> =
        cuts.iter().map(|cut| (bytes.len() * usize::from(*cut)) >> 16).collect();
    places.sort_unstable();
    let starts = [0].into_iter().chain(places.iter().copied());
    let ends = places.iter().copied().chain([bytes.len()]);
    let segments = starts.zip(ends).map(|(start, end)| bytes[start..end].to_vec());
    segments.filter(|segment| !segment.is_empty()).collect()
}

const RESPONSES: [&str; 5] = [
    "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 11\r\n\r\nhello world",
    "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nDate: x\r\nContent-Length: 1\r\n\r\n!",
    "HTTP/1.0 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\nok",
];

const REQUESTS: [&str; 4] = [
    "GET /a?b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nGET / HTTP/1.",
    "\r\nPUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n00a\r\n0123456789\r\n0\r\n\r\n",
    "DELETE / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nCookie: c\r\n\r\n",
];

/// What the server does with its connections in one story.
#[derive(Clone, Debug, Default)]
struct Plan {
    responses: Vec<usize>,
    cuts: Vec<u16>,
}

struct Stand {
    settings: crate::proxy::settings::Settings,
    plan: Arc<Mutex<Plan>>,
    heard: Receiver<Message>,
}

impl Stand {
    fn new() -> Self {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (tell, heard) = channel();
        let tell = Mutex::new(tell);
        let told = Arc::clone(&plan);
        let address = server(move |_, peer| {
            while let Some(message) = message(peer) {
                tell.lock().unwrap().send(message).unwrap();
                let (response, cuts) = {
                    let mut plan = told.lock().unwrap();
                    (RESPONSES[plan.responses.remove(0)], plan.cuts.clone())
                };
                for segment in cut(response.as_bytes(), &cuts) {
                    peer.say(segment);
                    std::thread::yield_now();
                }
            }
        });
        Self { settings: settings(&[address]), plan, heard }
    }

    /// What the server and the client get.
    fn play(&self, plan: Plan, segments: VecDeque<Vec<u8>>, at_a_time: usize) -> [Vec<Message>; 2] {
        *self.plan.lock().unwrap() = plan;
        let thread = crate::balance::Thread::new(crate::balance::Lane::A, 0).unwrap();
        let shared = Shared::alone(memory(), thread, Arc::new(LogBuffer::new(1 << 20)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let taken = Rc::default();
        runtime.block_on(async {
            let context = Context::new(&Engine::new(shared), &self.settings, None);
            let service = &self.settings.services[0];
            let Mode::Http(http) = &service.mode else { panic!("not HTTP") };
            let front = Front::new(service, http, &Rc::default());
            let taken = Rc::clone(&taken);
            let script = Script { segments, taken, at_a_time, pause: false };
            let ends = ["10.0.0.1:1", "10.0.0.2:80"].map(|end| end.parse().unwrap());
            let mut session = Session::new(context, front, script, ends);
            let all = async { while session.request().await {} };
            tokio::time::timeout(Duration::from_secs(60), all).await.expect("an end");
        });
        [self.heard.try_iter().collect(), messages(&taken.borrow())]
    }
}

#[test]
fn cuts_change_nothing() {
    let stand = Stand::new();
    let exchanges = prop::collection::vec((0..REQUESTS.len(), 0..RESPONSES.len()), 1..6);
    let cuts = || prop::collection::vec(any::<u16>(), 0..12);
    let config = ProptestConfig::with_cases(200);
    proptest!(config, |(exchanges in exchanges, cuts in cuts(), theirs in cuts(), most in 1..40_usize)| {
        let requests: String = exchanges.iter().map(|(request, _)| REQUESTS[*request]).collect();
        let responses: Vec<_> = exchanges.iter().map(|(_, response)| *response).collect();
        let whole = Plan { responses: responses.clone(), cuts: vec![] };
        let expected = stand.play(whole, [requests.clone().into_bytes()].into(), usize::MAX);
        prop_assert_eq!(expected[0].len(), exchanges.len());
        let plan = Plan { responses, cuts: theirs };
        let found = stand.play(plan, cut(requests.as_bytes(), &cuts), most);
        prop_assert_eq!(found, expected);
    });
}
