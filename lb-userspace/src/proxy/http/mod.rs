//! HTTP/1.1 between a client and its servers.

mod answer;
mod download;
mod exchange;
mod flow;
mod head;
mod prepare;
mod session;
mod told;
mod upload;
mod work;

use std::cell::RefCell;
use std::rc::Rc;

pub(super) use work::Work;

use self::session::Session;
use super::context::Context;
use super::frontend::Door;
use super::preface::Introduced;
use super::settings::{Http, Service};
use super::transport::Transport;
use crate::http::RequestReader;

/// A service, as one thread has it.
#[derive(Debug)]
pub(super) struct Front {
    settings: Service,
    http: Http,
    door: Rc<Door>,
    /// Readers that nobody uses just now; they keep their memory.
    readers: RefCell<Vec<RequestReader>>,
}

/// Readers that are kept.
const MOST_READERS: usize = 64;

impl Front {
    pub(super) fn new(settings: &Service, http: &Http, door: &Rc<Door>) -> Rc<Self> {
        Rc::new(Self {
            settings: settings.clone(),
            http: http.clone(),
            door: Rc::clone(door),
            readers: RefCell::default(),
        })
    }

    /// Serves one client until its connection ends.
    pub(super) async fn serve(
        self: Rc<Self>,
        context: Rc<Context>,
        io: impl Transport,
        Introduced { ends, first, handshake }: Introduced,
    ) {
        let mut session = Session::new(context, self, io, ends);
        (session.behind, session.handshake) = (first, handshake);
        while session.request().await {}
    }

    fn take_reader(&self) -> RequestReader {
        let spare = self.readers.borrow_mut().pop();
        spare.unwrap_or_else(|| RequestReader::new(self.http.limits))
    }

    fn give_back(&self, mut reader: RequestReader) {
        let mut readers = self.readers.borrow_mut();
        if readers.len() < MOST_READERS {
            reader.reset();
            readers.push(reader);
        }
    }
}
