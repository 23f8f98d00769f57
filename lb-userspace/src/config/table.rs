//! Typed access to one TOML table; what has another type than wanted is reported.

use std::{fmt, net::IpAddr, ops::Range, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    diagnostic::Sink,
    nearest::did_you_mean,
    nearest::list,
    schema::{self, Schema},
};
use crate::model::parse_duration;

/// Why a value was refused, and what to do.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), help: None }
    }
}

/// A value's meaning, or why it has none.
pub(super) type Meaning<T> = Result<T, Refusal>;

/// A table whose keys are known to exist.
pub(super) struct Table<'a> {
    entries: &'a DeTable<'a>,
    schema: &'static Schema,
    /// Its header, or the whole inline table.
    pub(super) span: Range<usize>,
    /// Its key from the top of the file.
    pub(super) path: String,
}

/// A value, and its key from the top of the file.
pub(super) struct Item<'a> {
    value: &'a DeValue<'a>,
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// One of the values of a list.
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
    /// Its place in the list.
    pub(super) index: usize,
}

/// What stands behind a number: `2s`, `100/s`.
pub(super) struct Unit {
    /// What has it.
    what: &'static str,
    /// The usual one.
    usual: &'static str,
    /// What else there is, for the help.
    others: &'static str,
}

/// That of a duration.
pub(super) const TIME: Unit =
    Unit { what: "a duration", usual: "s", others: ", or another of the units ms, s, m, h" };

/// That of a rate.
pub(super) const RATE: Unit =
    Unit { what: "a rate", usual: "/s", others: ", or another of the units /s, /m, /h" };

/// That of a rate a second.
pub(super) const PER_SECOND: Unit = Unit { what: "a rate", usual: "/s", others: "" };

impl<'a> Table<'a> {
    /// Takes a table, reporting every key that the schema does not know.
    pub(super) fn open(
        entries: &'a DeTable<'a>,
        span: Range<usize>,
        path: String,
        schema: &'static Schema,
        sink: &mut Sink,
    ) -> Self {
        let table = Self { entries, schema, span, path };
        for key in entries.keys() {
            table.check_key(key, sink);
        }
        table
    }

    fn check_key(&self, key: &Spanned<std::borrow::Cow<'_, str>>, sink: &mut Sink) {
        let Schema { title, keys, later } = *self.schema;
        let name = key.get_ref().as_ref();
        if keys.contains(&name) {
            return;
        }
        let path = self.path_of(name);
        if later.contains(&name) {
            sink.error(key.span(), path, format!("`{name}` is not available in this version"));
            return;
        }
        if let Some((_, instead)) = schema::INSTEAD.iter().find(|(key, _)| *key == name) {
            sink.error(key.span(), path, format!("a director cannot do `{name}`"))
                .help((*instead).to_owned());
            return;
        }
        let help = did_you_mean(name, keys.iter().chain(later).copied())
            .or_else(|| self.schema.elsewhere(name).map(|other| format!("it is a key of {other}")))
            .unwrap_or_else(|| format!("{title} has the keys {}", list(keys.iter().copied())));
        sink.error(key.span(), path, format!("unknown key `{name}` in {title}")).help(help);
    }

    /// The path of one of its keys.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Item<'a>> {
        debug_assert!(self.schema.keys.contains(&key), "{key} is missing in the schema");
        let value = self.entries.get(key)?;
        Some(Item { value: value.get_ref(), span: value.span(), path: self.path_of(key) })
    }

    /// The one that is there of several keys for the same thing; of two, the first.
    pub(super) fn one_of(
        &self,
        keys: &[&'static str],
        what: &str,
        sink: &mut Sink,
    ) -> Option<(&'static str, Item<'a>)> {
        let mut there = keys.iter().filter_map(|key| Some((*key, self.get(key)?)));
        let first = there.next()?;
        for (key, item) in there {
            let message = format!("`{}` and `{key}` are two ways to say the same: {what}", first.0);
            sink.error(item.span, item.path, message).help("keep one of them".to_owned());
        }
        Some(first)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &str, example: &str, sink: &mut Sink) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            let message = format!("`{key}` is missing in {}", self.schema.title);
            sink.error(self.span.clone(), self.path_of(key), message)
                .help(format!("add `{key} = {example}`"));
        }
        item
    }
}

impl<'a> Item<'a> {
    /// Its text, and what that means.
    pub(super) fn text<T>(
        &self,
        sink: &mut Sink,
        meaning: impl FnOnce(&str) -> Meaning<T>,
    ) -> Option<Spanned<T>> {
        match self.value {
            DeValue::String(text) => self.keep(meaning(text), sink),
            _ => self.wrong_type("a string", sink),
        }
    }

    /// Its number, and what that means.
    pub(super) fn integer<T>(
        &self,
        sink: &mut Sink,
        meaning: impl FnOnce(i128) -> Meaning<T>,
    ) -> Option<Spanned<T>> {
        let DeValue::Integer(integer) = self.value else {
            return self.wrong_type("a whole number", sink);
        };
        match i128::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => self.keep(meaning(number), sink),
            Err(_) => self
                .refuse(Refusal { message: format!("{integer} is too large"), help: None }, sink),
        }
    }

    /// Its span of time, and what that means.
    pub(super) fn duration<T>(
        &self,
        sink: &mut Sink,
        meaning: impl FnOnce(Duration) -> Meaning<T>,
    ) -> Option<Spanned<T>> {
        self.with_unit(sink, &TIME, |text| meaning(parse_duration(text)?))
    }

    /// Its number with a unit, and what that means.
    pub(super) fn with_unit<T>(
        &self,
        sink: &mut Sink,
        unit: &Unit,
        meaning: impl FnOnce(&str) -> Meaning<T>,
    ) -> Option<Spanned<T>> {
        if let DeValue::Integer(number) = self.value {
            let Unit { what, usual, others } = unit;
            let message = format!("{number} has no unit: {what} is a string with a unit");
            let help = Some(format!("write \"{number}{usual}\"{others}"));
            return self.refuse(Refusal { message, help }, sink);
        }
        self.text(sink, meaning)
    }

    /// Its address.
    pub(super) fn address(&self, sink: &mut Sink) -> Option<Spanned<IpAddr>> {
        self.text(sink, parse_address)
    }

    /// Yes or no.
    pub(super) fn boolean(&self, sink: &mut Sink) -> Option<Spanned<bool>> {
        match self.value {
            DeValue::Boolean(value) => Some(Spanned::new(self.span.clone(), *value)),
            _ => self.wrong_type("`true` or `false`", sink),
        }
    }

    /// One of a few words; `later` are those of a version to come.
    pub(super) fn word<T: Copy>(
        &self,
        sink: &mut Sink,
        what: &str,
        words: &[(&str, T)],
        later: &[&str],
    ) -> Option<Spanned<T>> {
        self.text(sink, |text| {
            if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
                return Ok(*value);
            }
            let known = || words.iter().map(|(word, _)| *word);
            let choice = format!("available: {}", list(known()));
            if later.contains(&text) {
                let message = format!("{what} `{text}` is not available in this version");
                return Err(Refusal { message, help: Some(choice) });
            }
            let message = format!("unknown {what} `{text}`");
            let help = match did_you_mean(text, known()) {
                Some(nearest) => format!("{nearest} {choice}"),
                None => choice,
            };
            Err(Refusal { message, help: Some(help) })
        })
    }

    /// The elements of its array.
    pub(super) fn array(&self, sink: &mut Sink) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(array) = self.value else {
            let help = match self.value {
                DeValue::Table(_) => format!("write `[[{}]]` instead of `[{0}]`", self.path),
                _ => "put it in brackets: `[ ]`".to_owned(),
            };
            let message = format!("expected an array, found {}", self.type_name());
            return self.refuse(Refusal { message, help: Some(help) }, sink);
        };
        let item = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| Item {
            value: value.get_ref(),
            span: value.span(),
            path: format!("{}[{index}]", self.path),
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// Is it an array with nothing in it?
    pub(super) fn is_empty_array(&self) -> bool {
        matches!(self.value, DeValue::Array(array) if array.is_empty())
    }

    /// The texts of its array, and what each means.
    pub(super) fn list<T>(
        &self,
        sink: &mut Sink,
        meaning: impl Fn(&str) -> Meaning<T>,
    ) -> Vec<Entry<T>> {
        let items = self.array(sink).unwrap_or_default();
        let entry = |(index, item): (usize, Item<'a>)| {
            let value = item.text(sink, &meaning)?;
            Some(Entry { span: value.span(), value: value.into_inner(), index })
        };
        items.into_iter().enumerate().filter_map(entry).collect()
    }

    /// Is it a text?
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    /// Is it this text?
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self.value, DeValue::String(text) if text == wanted)
    }

    /// Is it an array?
    pub(super) fn is_array(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    /// Is it a table?
    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// Its table.
    pub(super) fn table(&self, schema: &'static Schema, sink: &mut Sink) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(entries) => {
                Some(Table::open(entries, self.span.clone(), self.path.clone(), schema, sink))
            }
            _ => self.wrong_type("a table", sink),
        }
    }

    fn keep<T>(&self, meaning: Meaning<T>, sink: &mut Sink) -> Option<Spanned<T>> {
        match meaning {
            Ok(value) => Some(Spanned::new(self.span.clone(), value)),
            Err(refusal) => self.refuse(refusal, sink),
        }
    }

    fn wrong_type<T>(&self, wanted: impl fmt::Display, sink: &mut Sink) -> Option<T> {
        let message = format!("expected {wanted}, found {}", self.type_name());
        self.refuse(Refusal { message, help: None }, sink)
    }

    fn refuse<T>(&self, refusal: Refusal, sink: &mut Sink) -> Option<T> {
        sink.error(self.span.clone(), self.path.clone(), refusal.message).help(refusal.help);
        None
    }

    fn type_name(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a yes or no",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }
}

/// Reads an IP address.
pub(super) fn parse_address(text: &str) -> Meaning<IpAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let message =
        format!("`{text}` is not an IP address: write one such as 10.8.8.40 or 2001:db8::40");
    let help = text
        .parse::<ipnet::IpNet>()
        .ok()
        .map(|network| format!("leave out the prefix length: \"{}\"", network.addr()));
    Err(Refusal { message, help })
}
