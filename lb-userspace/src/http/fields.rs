//! Header fields as offsets into the buffer they arrived in.

use super::{Refusal, bytes};

/// The fields that a proxy reads, found out once for each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Known {
    /// Any other.
    Other,
    /// `Connection`.
    Connection,
    /// `Content-Length`.
    ContentLength,
    /// `Cookie`.
    Cookie,
    /// `Date`.
    Date,
    /// `Expect`.
    Expect,
    /// `Forwarded`.
    Forwarded,
    /// `Host`.
    Host,
    /// `HTTP2-Settings`, which goes with an upgrade to `h2c`.
    Http2Settings,
    /// `Keep-Alive`.
    KeepAlive,
    /// `Location`.
    Location,
    /// `Proxy-Connection`, which no RFC knows, but some clients send.
    ProxyConnection,
    /// `Set-Cookie`.
    SetCookie,
    /// `TE`.
    Te,
    /// `Trailer`.
    Trailer,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Upgrade`.
    Upgrade,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `X-Forwarded-Proto`.
    XForwardedProto,
}

impl Known {
    /// By the name of a field.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            2 if is("te") => Self::Te,
            4 if is("host") => Self::Host,
            4 if is("date") => Self::Date,
            6 if is("cookie") => Self::Cookie,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            7 if is("trailer") => Self::Trailer,
            8 if is("location") => Self::Location,
            9 if is("forwarded") => Self::Forwarded,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::KeepAlive,
            10 if is("set-cookie") => Self::SetCookie,
            14 if is("content-length") => Self::ContentLength,
            14 if is("http2-settings") => Self::Http2Settings,
            15 if is("x-forwarded-for") => Self::XForwardedFor,
            16 if is("proxy-connection") => Self::ProxyConnection,
            17 if is("transfer-encoding") => Self::TransferEncoding,
            17 if is("x-forwarded-proto") => Self::XForwardedProto,
            _ => Self::Other,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// Where a field stands: 10 bytes, as a head is shorter than 64 KiB.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u16,
    /// Where its name ends.
    name: u16,
    /// Where its value begins.
    value: u16,
    end: u16,
    known: Known,
}

/// The places of a head's fields. Empty it holds no memory; what it had is used again.
#[derive(Debug, Default)]
pub(super) struct Places {
    list: Vec<Place>,
    seen: u32,
}

/// Whether a space may stand before the colon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BeforeColon {
    /// In requests: RFC 9112, section 5.1, wants 400.
    Refused,
    /// In responses: the same section has a proxy take it out.
    Removed,
}

impl Places {
    /// Reads the line of a field.
    ///
    /// ```text
    /// field-line = field-name ":" OWS field-value OWS      (RFC 9112, section 5)
    /// ```
    pub(super) fn add(
        &mut self,
        bytes: &[u8],
        (start, end): (usize, usize),
        spaces: BeforeColon,
        most: usize,
    ) -> Result<(), Refusal> {
        let line = bytes.get(start..end).unwrap_or_default();
        if let [b' ' | b'\t', ..] = line {
            return Err(Refusal::Folded);
        }
        if !bytes::is_value(line) {
            return Err(bad_byte(line));
        }
        let colon = memchr::memchr(b':', line).ok_or(Refusal::NoColon)?;
        let (before, after) = line.split_at(colon);
        let name = bytes::trim(before);
        if name.len() < before.len() && spaces == BeforeColon::Refused {
            return Err(Refusal::SpaceBeforeColon);
        }
        if !bytes::is_token(name) {
            return Err(Refusal::FieldName);
        }
        if self.list.len() >= most {
            return Err(Refusal::TooManyFields);
        }
        let (after, known) = (&after[1..], Known::of(name));
        let value = bytes::trim(after);
        let value_start = start + colon + 1 + leading(after);
        let place = |at| u16::try_from(at).map_err(|_| Refusal::HeadTooLarge);
        self.list.push(Place {
            start: place(start)?,
            name: place(start + name.len())?,
            value: place(value_start)?,
            end: place(value_start + value.len())?,
            known,
        });
        self.seen |= known.bit();
        Ok(())
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.seen = 0;
    }

    pub(super) fn view<'a>(&'a self, bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, places: &self.list, seen: self.seen }
    }
}

fn leading(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// What a line that is no `field-content` has got.
pub(super) fn bad_byte(line: &[u8]) -> Refusal {
    match line.iter().find(|&&byte| !bytes::is_value(&[byte])) {
        Some(b'\r') => Refusal::BareCr,
        Some(0) => Refusal::Nul,
        _ => Refusal::Control,
    }
}

/// The fields of a head, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    places: &'a [Place],
    seen: u32,
}

/// A field; its value without spaces at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which of those that a proxy reads.
    pub known: Known,
    /// A token, as it was written.
    pub name: &'a [u8],
    /// No control characters but tabs.
    pub value: &'a [u8],
}

impl<'a> Fields<'a> {
    /// All.
    pub fn iter(self) -> impl Iterator<Item = Field<'a>> {
        self.places.iter().map(move |place| self.field(place))
    }

    /// The values of this one's lines.
    pub fn values(self, known: Known) -> impl Iterator<Item = &'a [u8]> {
        let places = if self.has(known) { self.places } else { &[] };
        let of_it = places.iter().filter(move |place| place.known == known);
        of_it.map(move |place| self.part(place.value, place.end))
    }

    /// The value of the only line of this one; `None` without, and with several.
    #[must_use]
    pub fn only(self, known: Known) -> Option<&'a [u8]> {
        let mut values = self.values(known);
        values.next().filter(|_| values.next().is_none())
    }

    /// The elements of this one's lists, over all its lines.
    pub fn list(self, known: Known) -> impl Iterator<Item = &'a [u8]> {
        self.values(known).flat_map(bytes::list)
    }

    /// The values of fields by any name.
    pub fn named(self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// Whether there is one.
    #[must_use]
    pub const fn has(self, known: Known) -> bool {
        self.seen & known.bit() != 0
    }

    /// How many lines there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.places.is_empty()
    }

    fn field(self, place: &Place) -> Field<'a> {
        Field {
            known: place.known,
            name: self.part(place.start, place.name),
            value: self.part(place.value, place.end),
        }
    }

    fn part(self, start: u16, end: u16) -> &'a [u8] {
        self.bytes.get(start.into()..end.into()).unwrap_or_default()
    }
}
