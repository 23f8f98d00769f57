//! What a response is told of its request and its surroundings.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::super::settings::Http;
use super::super::splice::Pipes;
use super::prepare::Asked;
use crate::http::connection::Options;
use crate::http::edit::Back;
use crate::http::framing;
use crate::http::{
    Authority, Refusal, RequestReader, Response, ResponseReader, Status, Upgrade, upgrade,
};

/// All of it.
pub(super) struct Told<'a> {
    pub(super) asked: &'a Asked,
    pub(super) http: &'a Http,
    pub(super) pipes: &'a Rc<Pipes>,
    pub(super) reader: &'a RefCell<ResponseReader>,
    /// As it came, where the request offers an upgrade.
    pub(super) offer: &'a [u8],
    /// What the client calls this host, where the server is told another name.
    pub(super) outside: &'a [u8],
    pub(super) date: [u8; 29],
    /// Nothing on our side wants an end.
    pub(super) may_persist: bool,
    /// The whole request has come.
    pub(super) received: &'a Cell<bool>,
    /// Something has moved.
    pub(super) progress: &'a Cell<bool>,
}

impl Told<'_> {
    /// Whether HTTP ends here. The request is read once more for that, as it is rare.
    pub(super) fn switches(&self, response: &Response<'_>) -> Result<bool, Refusal> {
        if response.status != Status::SWITCHING_PROTOCOLS || self.offer.is_empty() {
            return upgrade::switches(response, None);
        }
        let mut reader = RequestReader::new(self.http.limits);
        let Some(request) = reader.read(self.offer)? else {
            return Err(Refusal::UnaskedUpgrade);
        };
        let options = Options::read(request.fields)?;
        let offered = Upgrade::offered(&request, &options, framing::Body::Empty);
        upgrade::switches(response, offered)
    }

    pub(super) fn back(&self) -> Option<Back<'_>> {
        let inside = self.http.host.as_ref()?;
        let parse = |text| Authority::parse(text).ok();
        let (inside, outside) = (parse(inside.as_bytes())?, parse(self.outside)?);
        Some(Back { inside, outside, secure: self.asked.secure })
    }
}
