//! The memory of one exchange. A connection that waits for a request has none.

/// Buffers that are used again; empty at first.
#[derive(Debug, Default)]
pub(in super::super) struct Work {
    /// For the server: the edited head, and what there was of the body.
    pub(super) request: Vec<u8>,
    /// For the client.
    pub(super) response: Vec<u8>,
    /// The request line, for the log.
    pub(super) line: Vec<u8>,
    /// The head of a request that offers an upgrade, as it came.
    pub(super) offer: Vec<u8>,
    /// What the client calls this host, where the server is told another name.
    pub(super) outside: Vec<u8>,
    /// The path in its normal form, for routes.
    pub(super) path: Vec<u8>,
}

impl Work {
    fn all(&mut self) -> [&mut Vec<u8>; 6] {
        let Self { request, response, line, offer, outside, path } = self;
        [request, response, line, offer, outside, path]
    }

    /// Bytes that it holds.
    pub(in super::super) fn size(&self) -> usize {
        let Self { request, response, line, offer, outside, path } = self;
        [request, response, line, offer, outside, path].iter().map(|part| part.capacity()).sum()
    }

    pub(in super::super) fn clear(&mut self) {
        for part in self.all() {
            part.clear();
        }
    }
}
