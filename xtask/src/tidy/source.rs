//! Takes from Rust source what rules must not look at. Line breaks stay, so lines keep their numbers.

/// Replaces comments, and what strings and character literals contain, by spaces.
pub(super) fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(next) = rest.chars().next() {
        let length = token_to_blank(rest, after_word);
        let (token, remaining) = rest.split_at(length.unwrap_or(next.len_utf8()));
        match length {
            Some(_) => code.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push_str(token),
        }
        after_word = length.is_none() && (next.is_alphanumeric() || next == '_');
        rest = remaining;
    }
    code
}

/// The length of the comment or literal that `text` begins with. A literal's prefix (`br#`) counts only
/// where a word could begin, not as the end of another word.
fn token_to_blank(text: &str, after_word: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('\'') {
        return char_literal(text);
    }
    let prefix = if after_word { "" } else { &text[..text.find(|c| !"bcr".contains(c))?] };
    if prefix.len() > 2 {
        return None;
    }
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.find(|c| c != '#')?;
        let open = body[hashes..].starts_with('"').then_some(prefix.len() + hashes + 1)?;
        let close = format!("\"{}", "#".repeat(hashes));
        return Some(text[open..].find(&close).map_or(text.len(), |at| open + at + close.len()));
    }
    body.starts_with('"').then(|| prefix.len() + quoted(body, '"').unwrap_or(body.len()))
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `'x'` and `'\n'`, but not the lifetime `'a`.
fn char_literal(text: &str) -> Option<usize> {
    let mut chars = text.chars().skip(1);
    let first = chars.next()?;
    (first == '\\' || chars.next() == Some('\'')).then(|| quoted(text, '\'')).flatten()
}

/// The length of a literal that begins and ends with `quote`; a backslash hides the next character.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut hidden = true;
    for (at, c) in text.char_indices() {
        if c == quote && !hidden {
            return Some(at + c.len_utf8());
        }
        // The first character is the opening quote itself.
        hidden = c == '\\' && !hidden && at > 0;
    }
    None
}

/// Blanks every item under `#[cfg(test)]`. Expects source without comments and strings.
pub(super) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        let end = item_length(item);
        kept.push_str(before);
        kept.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    kept.push_str(rest);
    kept
}

/// To the `;` of an item without a body, or to the brace that closes its body.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let code = without_comments_and_strings(text);
        assert_eq!(code.lines().count(), text.lines().count());
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go() {
        assert_eq!(words("a // tokio\nb /* c /* d */\n e */ f //"), "a b f");
    }

    #[test]
    fn strings_go() {
        assert_eq!(words(r#"f("tokio \" // x", b"y", c"z") + 1"#), "f( , , ) + 1");
        assert_eq!(words("f(r#\"a \" b\"#, br\"\\\") g"), "f( , ) g");
        assert_eq!(words("let bar = x; for r in y {}"), "let bar = x; for r in y {}");
        assert_eq!(words("attr\"\\\\\" rest"), "attr rest");
    }

    #[test]
    fn characters_go_and_lifetimes_stay() {
        assert_eq!(
            words(r"m('\'', '/', 'ä', b'\\') fn f<'a>(x: &'a str)"),
            "m( , , , b ) fn f<'a>(x: &'a str)"
        );
        assert_eq!(words("'\"' tokio '\"'"), "tokio");
    }

    #[test]
    fn test_items_go() {
        let code = "use a;\n#[cfg(test)]\nmod tests {\n use tokio; fn f() { {} }\n}\nuse b;\n#[cfg(test)]\nmod x;\nuse c;";
        let kept = without_tests(code);
        assert_eq!(kept.split_whitespace().collect::<Vec<_>>().join(" "), "use a; use b; use c;");
        assert_eq!(kept.lines().count(), code.lines().count());
    }
}
