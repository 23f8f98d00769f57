//! One sequence: what the client sends, and how the server answers.

/// What the client does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It sends these bytes at once.
    Say(Vec<u8>),
    /// It waits until so many heads in all have come.
    Hear(usize),
    /// It waits until the server has heard so many heads in all.
    Heard(usize),
    /// It waits until what the server has ended is closed.
    Settle,
    /// It says that it has no more to say.
    End,
}

/// What the server does about a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// 200, with the method and the target as its body.
    Usual,
    /// These bytes, after the whole request.
    Raw(Vec<u8>),
    /// These bytes, and the end of the connection.
    Last(Vec<u8>),
    /// These bytes, as soon as the head is there.
    Early(Vec<u8>),
    /// `100 Continue`, and the usual answer after the body.
    Continue,
    /// `101`, and each byte back after that.
    Upgrade,
    /// Nothing at all.
    Silence,
}

/// A sequence.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// Of the first requests, in the order in which they come; the others get the usual one.
    pub(super) answers: Vec<Answer>,
    /// The first response is to HEAD.
    pub(super) head: bool,
}

/// The last request of a sequence: whether it is answered tells what became of the connection.
const LAST: &str = "GET /last HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";

impl Case {
    /// These bytes, and the last request behind them.
    pub(super) fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        let mut all = bytes.as_ref().to_vec();
        all.extend_from_slice(LAST.as_bytes());
        Self::only(name, all)
    }

    /// These bytes alone.
    pub(super) fn only(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::steps(name, vec![Step::Say(bytes.into())])
    }

    pub(super) fn steps(name: impl Into<String>, steps: Vec<Step>) -> Self {
        let (answers, name) = (Vec::new(), name.into());
        Self { name, steps, answers, head: false }
    }

    /// A request of this method with these lines behind its own and `Host`.
    pub(super) fn request(name: impl Into<String>, method: &str, lines: &str) -> Self {
        Self::new(name, format!("{method} /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    }

    /// `GET /a` with these lines.
    pub(super) fn get(name: impl Into<String>, lines: &str) -> Self {
        Self::request(name, "GET", lines)
    }

    /// `POST /a` with these lines and this body.
    pub(super) fn post(name: impl Into<String>, lines: &str, body: &str) -> Self {
        Self::new(name, format!("POST /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}"))
    }

    /// `GET /a`, answered with this; the server ends the connection then, and the next request comes when that is known.
    pub(super) fn ended(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::ended_request(name, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", bytes)
    }

    /// The same with another request.
    pub(super) fn ended_request(
        name: impl Into<String>,
        request: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Self {
        let steps = vec![say(request), Step::Hear(1), Step::Settle, last()];
        Self::steps(name, steps).with(Answer::Last(bytes.as_ref().to_vec()))
    }

    /// `GET /a`, answered with this.
    pub(super) fn answered(name: impl Into<String>, answer: Answer) -> Self {
        Self::get(name, "").with(answer)
    }

    /// The next request is answered with this.
    pub(super) fn with(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// The first response is to HEAD.
    pub(super) fn of_head(mut self) -> Self {
        self.head = true;
        self
    }
}

pub(super) fn say(bytes: impl AsRef<[u8]>) -> Step {
    Step::Say(bytes.as_ref().to_vec())
}

/// The last request, alone.
pub(super) fn last() -> Step {
    say(LAST)
}

pub(super) fn raw(bytes: impl AsRef<[u8]>) -> Answer {
    Answer::Raw(bytes.as_ref().to_vec())
}
