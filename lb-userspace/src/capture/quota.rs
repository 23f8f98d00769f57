//! How many packets are wanted, and whether those that came in have gone out as well.

use super::{Direction, Record};

/// Counts packets by their copies: one as it came in, and for a packet that is sent on one as it goes out.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    left: Option<u64>,
    /// Packets that came in whose second copy has not been seen yet.
    owed: u64,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It belongs into the file.
    Yes,
    /// It is beyond what was asked for.
    No,
}

impl Quota {
    /// `count` packets; `None`: no end.
    #[must_use]
    pub const fn new(count: Option<u64>) -> Self {
        Self { left: count, owed: 0 }
    }

    /// Takes note of a record.
    pub const fn note(&mut self, record: &Record<'_>) -> Wanted {
        match (record.direction, self.left) {
            (Direction::In, Some(0)) => return Wanted::No,
            (Direction::In, left) => {
                if let Some(left) = left {
                    self.left = Some(left - 1);
                }
                if record.dropped.is_none() {
                    self.owed += 1;
                }
            }
            (Direction::Out, Some(0)) if self.owed == 0 => return Wanted::No,
            (Direction::Out, _) => self.owed = self.owed.saturating_sub(1),
        }
        Wanted::Yes
    }

    /// All packets that were asked for have come in.
    #[must_use]
    pub const fn full(&self) -> bool {
        matches!(self.left, Some(0))
    }

    /// They have gone out as well, where they were sent on.
    #[must_use]
    pub const fn done(&self) -> bool {
        self.full() && self.owed == 0
    }
}

#[cfg(test)]
mod tests {
    use lb_common::abi::Reason;

    use super::*;

    const IN: Record<'static> = Record {
        at: 0,
        interface: 1,
        length: 0,
        direction: Direction::In,
        dropped: None,
        bytes: &[],
    };
    const OUT: Record<'static> = Record { direction: Direction::Out, ..IN };
    const DROPPED: Record<'static> = Record { dropped: Some(Reason::NoReal), ..IN };

    #[test]
    fn the_last_packet_is_awaited_on_its_way_out() {
        let mut quota = Quota::new(Some(2));
        assert_eq!([IN, OUT, IN].map(|record| quota.note(&record)), [Wanted::Yes; 3]);
        assert!(quota.full() && !quota.done());
        assert_eq!(quota.note(&IN), Wanted::No, "a third one");
        assert_eq!(quota.note(&OUT), Wanted::Yes);
        assert!(quota.done());
        assert_eq!(quota.note(&OUT), Wanted::No, "that of the third one");
    }

    #[test]
    fn a_dropped_packet_has_one_copy() {
        let mut quota = Quota::new(Some(1));
        assert_eq!(quota.note(&DROPPED), Wanted::Yes);
        assert!(quota.done());
    }

    #[test]
    fn without_a_count_there_is_no_end() {
        let mut quota = Quota::new(None);
        for _ in 0..100 {
            assert_eq!(quota.note(&DROPPED), Wanted::Yes);
            assert!(!quota.done());
        }
    }
}
