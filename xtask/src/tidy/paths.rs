//! Every path (`std::fs::read`) that Rust source names, with nested imports written out.

/// Words that may stand before a path's leading `::`, and are no part of it.
const KEYWORDS: &[&str] = &["as", "dyn", "impl", "in", "mut", "return", "use"];

/// A path and the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

impl NamedPath {
    /// Whether these segments stand in it, one after the other; a crate's name only at its beginning.
    pub(super) fn names(&self, forbidden: &str) -> bool {
        let wanted: Vec<&str> = forbidden.split("::").collect();
        let same = |window: &[String]| window.iter().eq(&wanted);
        match forbidden.strip_suffix("::") {
            Some(name) => self.segments.first().is_some_and(|first| first == name),
            None => self.segments.windows(wanted.len()).any(same),
        }
    }
}

/// Finds them in source without comments and strings.
pub(super) fn all(code: &str) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut reader = Reader { tokens: &tokens, at: 0, paths: Vec::new() };
    while reader.at < tokens.len() {
        reader.path(&[]);
    }
    reader.paths
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Colons,
    Other(char),
}

fn tokens(code: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let (token, length) = if is_word(first) {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            } else if rest.starts_with("::") {
                (Token::Colons, 2)
            } else {
                (Token::Other(first), first.len_utf8())
            };
            tokens.push((number + 1, token));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [(usize, Token<'a>)],
    at: usize,
    paths: Vec<NamedPath>,
}

impl<'a> Reader<'a> {
    fn token(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|&(_, token)| token)
    }

    /// Reads one path that continues `prefix`; goes on by at least one token.
    fn path(&mut self, prefix: &[String]) {
        let start = self.at;
        let line = self.tokens.get(start).map_or(0, |&(line, _)| line);
        let mut segments = prefix.to_vec();
        if self.token() == Some(Token::Colons) {
            self.at += 1;
        }
        while let Some(Token::Word(word)) = self.token() {
            self.at += 1;
            if KEYWORDS.contains(&word) {
                break;
            }
            segments.push(word.to_owned());
            if self.token() != Some(Token::Colons) {
                break;
            }
            self.at += 1;
            if self.token() == Some(Token::Other('{')) {
                return self.group(&segments);
            }
        }
        if segments.len() > prefix.len() {
            self.paths.push(NamedPath { line, segments });
        } else if self.at == start {
            self.at += 1;
        }
    }

    /// `{a, b::{c, d}}` after `prefix::`.
    fn group(&mut self, prefix: &[String]) {
        self.at += 1;
        while let Some(token) = self.token() {
            match token {
                Token::Other('}') => {
                    self.at += 1;
                    return;
                }
                Token::Word("self") => {
                    let line = self.tokens[self.at].0;
                    self.paths.push(NamedPath { line, segments: prefix.to_vec() });
                    self.at += 1;
                }
                Token::Word("as") => self.at += 2,
                Token::Word(_) => self.path(prefix),
                Token::Colons | Token::Other(_) => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<String> {
        all(code)
            .into_iter()
            .map(|path| path.segments.join("::"))
            .filter(|p| p.contains("::"))
            .collect()
    }

    #[test]
    fn nested_imports_are_written_out() {
        let code = "use std::{fs, net::{IpAddr, TcpStream as T}, time::{self, Instant}};\nuse ::aya::Ebpf;";
        let expected = [
            "std::fs",
            "std::net::IpAddr",
            "std::net::TcpStream",
            "std::time",
            "std::time::Instant",
            "aya::Ebpf",
        ];
        assert_eq!(found(code), expected);
    }

    #[test]
    fn lines_are_kept_and_paths_may_break() {
        let paths = all("x\nstd::\n  fs::read(y)");
        let path = paths.iter().find(|path| path.segments.len() == 3).unwrap();
        assert_eq!((path.line, path.names("std::fs")), (2, true));
    }

    #[test]
    fn a_crate_counts_only_at_the_beginning() {
        let is = |code: &str, forbidden: &str| all(code).iter().any(|path| path.names(forbidden));
        assert!(is("use tokio::time;", "tokio::"));
        assert!(is("tokio::spawn(x)", "tokio::"));
        assert!(!is("crate::tokio::x", "tokio::"));
        assert!(!is("tokio_util::x", "tokio::"));
        assert!(is("Instant::now()", "Instant::now"));
        assert!(!is("self.now()", "Instant::now"));
        assert!(is("fn f(x: &TcpStream)", "TcpStream"));
        assert!(is("fn f(x: &mut std::fs::File)", "std::fs"));
    }
}
