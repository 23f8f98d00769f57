//! The lines of a head as they arrive, in any segments: each byte is looked at once.

use super::Refusal;

/// Where in a head the reader stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// Where the line begins that is not complete yet.
    start: usize,
    /// How far its end has been looked for.
    seen: usize,
}

/// How long a line may be.
#[derive(Clone, Copy)]
pub(super) struct LineLimit {
    /// Bytes of the head, this line's CRLF included.
    pub(super) head: usize,
    /// Bytes of this line, without CRLF.
    pub(super) line: usize,
    /// What is wrong when the line is longer, and not the head.
    pub(super) refusal: Refusal,
}

impl LineLimit {
    /// A line as long as the head may be.
    pub(super) fn head(head: usize) -> Self {
        Self { head, line: head, refusal: Refusal::HeadTooLarge }
    }
}

impl Lines {
    /// Where the line begins that comes next.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Nothing of the line that comes next has been looked at.
    pub(super) fn is_fresh(&self) -> bool {
        self.seen == self.start
    }

    /// Somebody else has read the lines before this place.
    pub(super) fn skip(&mut self, to: usize) {
        (self.start, self.seen) = (to, to);
    }

    /// The next line's begin and end, without CRLF; `bytes` are all of the head that has arrived, from its
    /// first. The verdict is the same however the head was cut: it depends on where a line ends alone.
    ///
    /// ```text
    /// start                       seen            bound: no LF is looked for from here on
    ///   │ GET / HTTP/1.1 … looked at │ … to look at … │
    /// ```
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        limit: LineLimit,
    ) -> Result<Option<(usize, usize)>, Refusal> {
        let longest = self.start + limit.line + 2;
        let (bound, refusal) = if longest < limit.head {
            (longest, limit.refusal)
        } else {
            (limit.head, Refusal::HeadTooLarge)
        };
        let end = bytes.len().min(bound);
        let Some(found) = bytes.get(self.seen..end).and_then(|new| memchr::memchr(b'\n', new))
        else {
            self.seen = end;
            return if end == bound { Err(refusal) } else { Ok(None) };
        };
        let (start, lf) = (self.start, self.seen + found);
        if lf == start || bytes[lf - 1] != b'\r' {
            return Err(Refusal::BareLf);
        }
        (self.start, self.seen) = (lf + 1, lf + 1);
        Ok(Some((start, lf - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(head: usize, line: usize) -> LineLimit {
        LineLimit { head, line, refusal: Refusal::UriTooLong }
    }

    #[test]
    fn a_line_ends_in_crlf_wherever_it_is_cut() {
        let text = b"ab\r\n\r\nc";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for bytes in [&text[..cut], text] {
                while let Some(line) = lines.next(bytes, limit(100, 100)).expect("lines") {
                    found.push(line);
                }
            }
            assert_eq!(found, [(0, 2), (4, 4)], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_feed_alone_ends_nothing() {
        for text in [&b"\n"[..], b"ab\n", b"\r\n\n"] {
            let mut lines = Lines::default();
            let mut last = lines.next(text, limit(100, 100));
            while let Ok(Some(_)) = last {
                last = lines.next(text, limit(100, 100));
            }
            assert_eq!(last, Err(Refusal::BareLf), "{text:?}");
        }
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let next = |text: &[u8], head, line| Lines::default().next(text, limit(head, line));
        assert_eq!(next(b"abc\r\n", 100, 3), Ok(Some((0, 3))));
        assert_eq!(next(b"abcd\r\n", 100, 3), Err(Refusal::UriTooLong));
        assert_eq!(next(b"abcd", 100, 3), Ok(None), "a CR may follow");
        assert_eq!(next(b"abcde", 100, 3), Err(Refusal::UriTooLong));
        assert_eq!(next(b"abc\r\n", 5, 100), Ok(Some((0, 3))));
        assert_eq!(next(b"abcd\r\n", 5, 100), Err(Refusal::HeadTooLarge));
        assert_eq!(next(b"abcd", 5, 100), Ok(None));
        assert_eq!(next(b"abcde", 5, 100), Err(Refusal::HeadTooLarge));
    }
}
