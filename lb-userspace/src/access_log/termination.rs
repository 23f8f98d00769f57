//! How a request or connection ended: HAProxy's two letters.

/// Who ended it, or what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// It ended by itself.
    #[default]
    Normal,
    /// The client closed or reset its connection.
    Client,
    /// The server closed, reset or refused its connection.
    Server,
    /// The proxy, by a rule or because of what came.
    Proxy,
    /// The proxy answered by itself: a redirect, the statistics page.
    Local,
    /// Memory, descriptors or ports ran out.
    Resource,
    /// A fault of the proxy's own.
    Internal,
    /// The server was found to be down.
    Down,
    /// The administrator.
    Admin,
    /// The client was silent for too long.
    ClientTimeout,
    /// The server was silent for too long, or was not reached in time.
    ServerTimeout,
}

/// What was going on then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// It was over.
    #[default]
    Over,
    /// The request was coming.
    Request,
    /// It waited for a server with room.
    Queue,
    /// The server was being connected to.
    Connect,
    /// The head of the response was awaited.
    Headers,
    /// Data was passing.
    Data,
    /// The last data was going to the client.
    Last,
    /// The client was kept waiting on purpose.
    Tarpit,
}

/// Both of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Termination {
    /// Who ended it.
    pub who: Who,
    /// When.
    pub when: When,
}

impl Termination {
    /// Both.
    #[must_use]
    pub const fn new(who: Who, when: When) -> Self {
        Self { who, when }
    }

    /// The two letters, `--` for a normal end.
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        let who = match self.who {
            Who::Normal => b'-',
            Who::Client => b'C',
            Who::Server => b'S',
            Who::Proxy => b'P',
            Who::Local => b'L',
            Who::Resource => b'R',
            Who::Internal => b'I',
            Who::Down => b'D',
            Who::Admin => b'K',
            Who::ClientTimeout => b'c',
            Who::ServerTimeout => b's',
        };
        let when = match self.when {
            When::Over => b'-',
            When::Request => b'R',
            When::Queue => b'Q',
            When::Connect => b'C',
            When::Headers => b'H',
            When::Data => b'D',
            When::Last => b'L',
            When::Tarpit => b'T',
        };
        [who, when]
    }
}
