//! Messages as text that can be compared: names in small letters, bodies without their framing.

use std::fmt::Write as _;

/// A head, and where it ends.
pub(super) struct Head {
    pub(super) first: String,
    /// Names in small letters; values as they came.
    pub(super) fields: Vec<(String, String)>,
    pub(super) length: usize,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    UntilEnd,
}

impl Head {
    /// The head at the start of these bytes. `None`: its empty line is not there yet.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = shown(&bytes[..end]);
        let mut lines = text.split("\\r\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Some(Self { first, fields: fields.collect(), length: end + 4 })
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// How its body is framed, where it says so.
    pub(super) fn framing(&self) -> Option<Framing> {
        if self.field("transfer-encoding").is_some() {
            return Some(Framing::Chunked);
        }
        self.field("content-length").and_then(|length| length.parse().ok()).map(Framing::Length)
    }

    /// One line. Fields are sorted: their order among each other means nothing where their names differ.
    pub(super) fn line(&self) -> String {
        let mut fields: Vec<_> = self.fields.iter().filter(|(name, _)| name != "date").collect();
        fields.sort_by_key(|(name, _)| name.as_str());
        let mut line = self.first.clone();
        for (name, value) in fields {
            let value = match value.len() {
                ..=80 => value.clone(),
                length => format!("({length} bytes)"),
            };
            let _ = write!(line, " | {name}: {value}");
        }
        line
    }
}

/// A body in its framing: what it is, and how many bytes it takes. `None`: there is more to come.
pub(super) fn body(bytes: &[u8], framing: Framing) -> Option<(Vec<u8>, usize)> {
    match framing {
        Framing::Length(length) => Some((bytes.get(..length)?.to_vec(), length)),
        Framing::UntilEnd => None,
        Framing::Chunked => chunked(bytes),
    }
}

/// The chunks as one, and the trailers in brackets.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut all, mut at) = (Vec::new(), 0);
    loop {
        let line = line(bytes, at)?;
        let text = String::from_utf8_lossy(&bytes[at..line]);
        let size = usize::from_str_radix(text.split(';').next()?.trim(), 16).ok()?;
        at = line + 2;
        if size == 0 {
            break;
        }
        all.extend_from_slice(bytes.get(at..at + size)?);
        at += size + 2;
    }
    loop {
        let end = line(bytes, at)?;
        if end == at {
            return Some((all, end + 2));
        }
        let trailer = shown(&bytes[at..end]);
        let (name, value) = trailer.split_once(':').unwrap_or((&trailer, ""));
        all.extend_from_slice(format!("[{}:{value}]", name.to_ascii_lowercase()).as_bytes());
        at = end + 2;
    }
}

/// Where the line that begins here ends.
fn line(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    rest.windows(2).position(|two| two == b"\r\n").map(|length| at + length)
}

/// Bytes as one line of text. Long ones are told by their length.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

/// A body as text.
pub(super) fn shown_body(bytes: &[u8]) -> String {
    if bytes.len() > 200 { format!("({} bytes)", bytes.len()) } else { shown(bytes) }
}
