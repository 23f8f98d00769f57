//! Header fields as offsets into the buffer they arrived in.

use std::ops::Range;

use super::lines::Lines;
use super::{Limits, Refusal, bytes};

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
    /// It stands there as `name: value` and CRLF.
    plain: bool,
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
        let (name, value) = parts(line, spaces)?;
        if self.list.len() >= most {
            return Err(Refusal::TooManyFields);
        }
        self.push(bytes, start, start + name, start + value.start..start + value.end, false)
    }

    /// Reads lines as everybody writes them, `name: value`: a head has a dozen. It stops at one that [`add`](Self::add)
    /// has to look at, or that has not come as a whole.
    pub(super) fn add_all_plain(&mut self, bytes: &[u8], lines: &mut Lines, limits: Limits) {
        let head = &bytes[..bytes.len().min(limits.head())];
        // What has been looked at before is not looked at again with each byte that comes.
        while lines.is_fresh()
            && self.list.len() < limits.fields()
            && let Some((name, value)) = plain(head, lines.start())
        {
            let end = value.end + 2;
            if self.push(head, lines.start(), name, value, true).is_err() {
                return;
            }
            lines.skip(end);
        }
    }

    fn push(
        &mut self,
        bytes: &[u8],
        start: usize,
        name: usize,
        value: Range<usize>,
        plain: bool,
    ) -> Result<(), Refusal> {
        let known = Known::of(&bytes[start..name]);
        let place = |at: usize| u16::try_from(at).map_err(|_| Refusal::HeadTooLarge);
        let (start, name) = (place(start)?, place(name)?);
        let (value, end) = (place(value.start)?, place(value.end)?);
        self.list.push(Place { start, name, value, end, known, plain });
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

/// Where a name ends, and where its value is.
type Parts = (usize, Range<usize>);

/// Those of a line that is written as everybody does it, and is there to its end.
fn plain(bytes: &[u8], start: usize) -> Option<Parts> {
    let line = bytes.get(start..)?;
    let name = bytes::token_length(line);
    let value = line.get(name..)?.strip_prefix(b": ")?;
    let length = bytes::value_length(value);
    let is_plain = name > 0
        && value[length..].starts_with(b"\r\n")
        && value[..length].first().is_some_and(|byte| *byte != b' ')
        && value[..length].last().is_some_and(|byte| *byte != b' ');
    let from = start + name + 2;
    is_plain.then_some((start + name, from..from + length))
}

/// Those of any field.
fn parts(line: &[u8], spaces: BeforeColon) -> Result<Parts, Refusal> {
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
    let value = colon + 1 + leading(&after[1..]);
    Ok((name.len(), value..value + bytes::trim(&after[1..]).len()))
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
    /// `name: value` and CRLF, where it came so.
    line: Option<&'a [u8]>,
}

impl Field<'_> {
    /// Appends it as a line of a head.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self.line {
            Some(line) => out.extend_from_slice(line),
            None => put_field(out, self.name, self.value),
        }
    }
}

/// `name: value` and CRLF.
pub(super) fn put_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
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
            line: place.plain.then(|| self.part(place.start, place.end + 2)),
        }
    }

    fn part(self, start: u16, end: u16) -> &'a [u8] {
        self.bytes.get(start.into()..end.into()).unwrap_or_default()
    }
}
