//! One request by HTTP/2 (RFC 9113), and its answer. Frames are the shell's business.

use std::net::SocketAddr;

use super::{Body, Framing, HttpComplaint, host, judge_status, search, wants_digest};
use crate::{
    health::protocol::{Complaint, Step},
    model::HttpRequest,
};

/// A request on its way.
pub struct Http2Exchange {
    request: HttpRequest,
    body: Body,
}

impl Http2Exchange {
    /// A request that is to be made.
    #[must_use]
    pub fn new(request: HttpRequest) -> Self {
        let body = Body::new(Framing::UntilClose, wants_digest(&request));
        Self { request, body }
    }

    /// What is sent to a server at this address.
    ///
    /// # Errors
    /// A path or host that HTTP/1.1 could send, and the `http` crate refuses.
    pub fn head(
        &self,
        address: SocketAddr,
        is_tls: bool,
    ) -> Result<http::Request<()>, http::Error> {
        let (scheme, usual) = if is_tls { ("https", 443) } else { ("http", 80) };
        let host = host(&self.request, address, usual);
        let mut head = http::Request::builder()
            .version(http::Version::HTTP_2)
            .method(self.request.method.to_string().as_str())
            .uri(format!("{scheme}://{host}{}", self.request.path));
        let headers = &self.request.headers;
        if !headers.iter().any(|header| header.name().eq_ignore_ascii_case("user-agent")) {
            head = head.header("user-agent", "lb-check");
        }
        for header in headers {
            head = head.header(header.name(), header.value());
        }
        head.body(())
    }

    /// Takes the status of the answer.
    ///
    /// # Errors
    /// The server is not well: why.
    pub fn status(&self, status: u16) -> Result<Step, Complaint> {
        judge_status(&self.request, status, &status.to_string())?;
        Ok(if self.request.body.is_none() { Step::Passed } else { Step::More })
    }

    /// Takes a piece of its body.
    ///
    /// # Errors
    /// The server is not well: why.
    pub fn data(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        self.body.read(bytes).map_err(HttpComplaint::from)?;
        if !self.body.is_over() {
            return Ok(Step::More);
        }
        self.end()?;
        Ok(Step::Passed)
    }

    /// The answer is over.
    ///
    /// # Errors
    /// The server is not well: why.
    pub fn end(&self) -> Result<(), Complaint> {
        Ok(search(self.request.body.as_ref(), &self.body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BodyMatch, HttpMethod};

    fn exchange(change: impl FnOnce(&mut HttpRequest)) -> Http2Exchange {
        let mut request = HttpRequest::default();
        change(&mut request);
        Http2Exchange::new(request)
    }

    #[test]
    fn heads() {
        let exchange = exchange(|request| {
            request.method = HttpMethod::Head;
            request.path = "/up?a=b".parse().unwrap();
            request.headers = vec!["X-Lb: 1".parse().unwrap()];
        });
        let head = exchange.head("[fd00::1]:443".parse().unwrap(), true).unwrap();
        assert_eq!(head.uri(), "https://[fd00::1]/up?a=b");
        assert_eq!(
            (head.method().as_str(), &head.headers()["x-lb"]),
            ("HEAD", &"1".parse().unwrap())
        );
        let head = exchange.head("192.0.2.1:443".parse().unwrap(), false).unwrap();
        assert_eq!(head.uri(), "http://192.0.2.1:443/up?a=b");
    }

    #[test]
    fn answers() {
        let plain = exchange(|_| {});
        assert_eq!(plain.status(204), Ok(Step::Passed));
        assert_eq!(plain.status(503).unwrap_err().to_string(), "status 503, expected 200–399");
        let mut ready =
            exchange(|request| request.body = Some(BodyMatch::Contains("ready".to_owned())));
        assert_eq!(ready.status(200), Ok(Step::More));
        assert_eq!(ready.data(b"not rea"), Ok(Step::More));
        assert!(ready.end().unwrap_err().to_string().contains("\"ready\" is not in the body"));
        assert_eq!((ready.data(b"dy"), ready.end()), (Ok(Step::More), Ok(())));
        assert!(
            (0..100).any(|_| ready.data(&[b'x'; 1_000]) == Ok(Step::Passed)),
            "it is not read to its end"
        );
    }
}
