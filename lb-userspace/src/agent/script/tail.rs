//! The last line of what a script says, however much that is.

/// Bytes of a line that are kept.
const LONGEST: usize = 200;

/// The line that is being said, and the last one that is complete.
#[derive(Debug, Default)]
pub(super) struct Tail {
    current: Vec<u8>,
    last: Vec<u8>,
}

impl Tail {
    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (words, ended) = match piece.split_last() {
                Some((b'\n', words)) => (words, true),
                _ => (piece, false),
            };
            let room = LONGEST.saturating_sub(self.current.len());
            self.current.extend(words.iter().take(room));
            if ended {
                let line = std::mem::take(&mut self.current);
                if !line.trim_ascii().is_empty() {
                    self.last = line;
                }
            }
        }
    }

    /// The last line with anything in it; control characters are not shown to a terminal.
    pub(super) fn last_line(&self) -> Option<String> {
        let line =
            [&self.current, &self.last].into_iter().find(|line| !line.trim_ascii().is_empty())?;
        let text = String::from_utf8_lossy(line.trim_ascii());
        Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_something() {
        let cases: [(&[&str], Option<&str>); 6] = [
            (&[], None),
            (&["\n \n"], None),
            (&["one"], Some("one")),
            (&["one\ntw", "o\n\n"], Some("two")),
            (&["one\ntwo\n", "thr", "ee"], Some("three")),
            (&["\u{1b}[31mred\t!\r\n"], Some(" [31mred !")),
        ];
        for (pieces, line) in cases {
            let mut tail = Tail::default();
            pieces.iter().for_each(|piece| tail.push(piece.as_bytes()));
            assert_eq!(tail.last_line().as_deref(), line, "{pieces:?}");
        }
    }

    #[test]
    fn a_flood_stays_small() {
        let mut tail = Tail::default();
        for _ in 0..1_000 {
            tail.push(&[b'a'; 4_096]);
        }
        assert_eq!(tail.last_line().map(|line| line.len()), Some(LONGEST));
        assert!(tail.current.capacity() < 4_096);
    }
}
