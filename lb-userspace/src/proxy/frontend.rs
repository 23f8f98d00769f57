//! A service as one thread has it: how many clients it has, and what is done with one more.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::context::Context;
use super::http::Front;
use super::preface::{self, Introduced};
use super::record::{Of, Record};
use super::settings::{Mode, Service};
use super::tcp;
use super::tls::{self, NoHandshake};
use super::transport::Transport;
use crate::access_log::Format;

/// One of a thread.
#[derive(Debug)]
pub(super) struct Frontend {
    pub(super) settings: Service,
    pub(super) door: Rc<Door>,
    /// What HTTP needs besides.
    http: Option<Rc<Front>>,
}

/// How many clients of a service there are.
#[derive(Debug, Default)]
pub(super) struct Door {
    inside: Cell<usize>,
    left: Notify,
}

/// A client that is connected, counted for as long as this lives.
pub(super) struct Guest {
    context: Rc<Context>,
    door: Rc<Door>,
}

impl Frontend {
    /// `door`: who is inside already.
    pub(super) fn new(settings: &Service, door: Rc<Door>) -> Rc<Self> {
        let http = match &settings.mode {
            Mode::Http(http) => Some(Front::new(settings, http, &door)),
            Mode::Tcp => None,
        };
        Rc::new(Self { settings: settings.clone(), door, http })
    }

    /// Serves one client until its connection ends.
    pub(super) async fn serve(&self, context: Rc<Context>, mut stream: TcpStream) {
        let (Ok(client), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let mut introduced =
            Introduced { ends: [client, local], first: Vec::new(), handshake: Duration::ZERO };
        if self.settings.accepts_proxy {
            let timeout = self.settings.timeouts.request;
            match preface::read(&context, &mut stream, introduced.ends, timeout).await {
                Some(said) => introduced = said,
                None => return,
            }
        }
        let Some(tls) = &self.settings.tls else {
            return self.go_on(context, stream, introduced).await;
        };
        let begun = context.elapsed();
        let first = std::mem::take(&mut introduced.first);
        match tls::accept(&context, stream, &first, tls, self.settings.timeouts.request).await {
            Ok(stream) => {
                introduced.handshake = context.elapsed().saturating_sub(begun);
                self.go_on(context, stream, introduced).await;
            }
            Err(NoHandshake::Silent) => {}
            Err(NoHandshake::Failed) => self.write_failure(&context, introduced.ends, begun),
        }
    }

    async fn go_on(&self, context: Rc<Context>, io: impl Transport, introduced: Introduced) {
        match &self.http {
            Some(front) => Rc::clone(front).serve(context, io, introduced).await,
            None => tcp::serve(&context, self, io, introduced).await,
        }
    }

    /// As HAProxy does.
    fn write_failure(&self, context: &Context, ends: [SocketAddr; 2], begun: Duration) {
        if self.settings.log.is_some()
            && let Ok(format) = Format::parse("%ci:%cp [%t] %f/1: SSL handshake failure")
        {
            let of = Of {
                service: &self.settings.name,
                clients: self.door.inside(),
                pool: None,
                line: None,
            };
            Record::new(ends, begun).write(context, &format, &of);
        }
    }
}

impl Door {
    pub(super) fn inside(&self) -> u32 {
        u32::try_from(self.inside.get()).unwrap_or(u32::MAX)
    }

    /// Waits until there are less than so many.
    pub(super) async fn room(&self, most: usize) {
        while self.inside.get() >= most {
            self.left.notified().await;
        }
    }
}

impl Guest {
    pub(super) fn new(context: &Rc<Context>, door: &Rc<Door>) -> Self {
        context.enter();
        door.inside.set(door.inside.get() + 1);
        Self { context: Rc::clone(context), door: Rc::clone(door) }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.context.leave();
        self.door.inside.set(self.door.inside.get().saturating_sub(1));
        self.door.left.notify_one();
    }
}
