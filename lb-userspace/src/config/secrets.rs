//! Passwords in a configuration's text: covered before anything of it is shown.
//!
//! A message shows the lines that it speaks of, and a password may be on one of them.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The key whose value nobody is to see.
const KEY: &str = "password";

/// The text with `*` for each byte of a password. Every other byte, and every line, stays in its place.
pub(super) fn masked(text: &str) -> String {
    // A key with escapes may be the same word.
    if !text.contains(KEY) && !text.contains('\\') {
        return text.to_owned();
    }
    let spans = match DeTable::parse(text) {
        Ok(root) => in_table(root.get_ref(), text),
        Err(_) => guess(text),
    };
    let hidden = |at: usize| spans.iter().any(|span| span.contains(&at));
    let mut masked = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            '\r' | '\n' => masked.push(letter),
            _ if hidden(at) => masked.extend(std::iter::repeat_n('*', letter.len_utf8())),
            _ => masked.push(letter),
        }
    }
    masked
}

/// The passwords of a table, at any depth.
fn in_table(table: &DeTable<'_>, text: &str) -> Vec<Range<usize>> {
    let of = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        if key.get_ref() == KEY { vec![inside(value.span(), text)] } else { in_value(value, text) }
    };
    table.iter().flat_map(of).collect()
}

fn in_value(value: &Spanned<DeValue<'_>>, text: &str) -> Vec<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, text),
        DeValue::Array(array) => array.iter().flat_map(|value| in_value(value, text)).collect(),
        _ => Vec::new(),
    }
}

/// Without the quotes, so that what is left is still TOML.
fn inside(span: Range<usize>, text: &str) -> Range<usize> {
    let quoted = text[span.clone()].starts_with(['"', '\'']) && span.len() >= 2;
    if quoted { span.start + 1..span.end - 1 } else { span }
}

/// What is not TOML has no values: everything behind the word, or behind a key with escapes, to the end of its line.
fn guess(text: &str) -> Vec<Range<usize>> {
    let behind = |(at, word): (usize, &str)| {
        let start = at + word.len();
        let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let rest = &text[start..end];
        (!rest.starts_with("_file")).then_some(start..end)
    };
    let escaped = |(at, word): (usize, &str)| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[line..at].contains('\\').then(|| behind((at, word))).flatten()
    };
    let words = text.match_indices(KEY).filter_map(behind);
    words.chain(text.match_indices('=').filter_map(escaped)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_and_nothing_else() {
        for (text, shown) in [
            ("a = 1\npassword = \"s3c\"\nb = \"s3c\"", "a = 1\npassword = \"***\"\nb = \"s3c\""),
            ("password = 's'", "password = '*'"),
            ("password = 1234", "password = ****"),
            ("password = \"ä\"", "password = \"**\""),
            ("x = [{ \"password\" = \"s3c\", y = 2 }]", "x = [{ \"password\" = \"***\", y = 2 }]"),
            ("[[v]]\n[v.w]\npassword = [\"s\"]", "[[v]]\n[v.w]\npassword = *****"),
            ("password_file = \"/a\"", "password_file = \"/a\""),
            ("password = \"s3c\nb = 1", "password*******\nb = 1"),
            ("\"pass\\u0077ord\" = \"s3c\"", "\"pass\\u0077ord\" = \"***\""),
            ("\"pass\\u0077ord\" = s3c\nb = c", "\"pass\\u0077ord\" =****\nb = c"),
            ("password = s3c\r\npassword_file = x", "password******\r\npassword_file = x"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
