//! Accepting clients, as many as there may be.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::context::Context;
use super::frontend::{Door, Frontend, Guest};

/// When descriptors or memory have run out: the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// By what a client is served.
pub(super) type Way = (Rc<Context>, Rc<Frontend>);

/// Where clients come in.
#[derive(Debug)]
pub(super) struct Entrance {
    way: RefCell<Way>,
    is_closed: Cell<bool>,
    changed: Notify,
}

impl Entrance {
    pub(super) fn new(way: Way) -> Rc<Self> {
        let way = RefCell::new(way);
        Rc::new(Self { way, is_closed: Cell::new(false), changed: Notify::new() })
    }

    /// From now on clients go this way.
    pub(super) fn lead(&self, way: Way) {
        self.way.replace(way);
        self.changed.notify_one();
    }

    /// Nobody else comes in.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.changed.notify_one();
    }

    fn way(&self) -> Way {
        self.way.borrow().clone()
    }

    fn welcome(&self, stream: TcpStream) {
        let (context, frontend) = self.way();
        let guest = Guest::new(&context, &frontend.door);
        tokio::task::spawn_local(async move {
            let _guest = guest;
            frontend.serve(context, stream).await;
        });
    }
}

/// Accepts until the entrance is closed.
pub(super) async fn accept(entrance: Rc<Entrance>, listener: TcpListener) {
    let pause = entrance.way().0.timers.timer();
    while !entrance.is_closed.get() {
        let (_, frontend) = entrance.way();
        let most = frontend.settings.most_connections;
        let accepted = tokio::select! {
            biased;
            () = entrance.changed.notified() => continue,
            accepted = next(&listener, &frontend.door, most) => accepted,
        };
        match accepted {
            Some(stream) => entrance.welcome(stream),
            None => {
                pause.set(PAUSE);
                pause.expired().await;
            }
        }
    }
    // Whoever has come already would be reset with the socket.
    while let Poll::Ready(Ok((stream, _))) =
        listener.poll_accept(&mut Task::from_waker(Waker::noop()))
    {
        entrance.welcome(stream);
    }
}

/// `None`: it is not possible now.
async fn next(listener: &TcpListener, door: &Door, most: usize) -> Option<TcpStream> {
    door.room(most).await;
    listener.accept().await.ok().map(|(stream, _)| stream)
}
