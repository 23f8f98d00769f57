//! Points in time as logs write them.

use std::cell::RefCell;

use super::encode::put_padded;
use crate::http::date::Civil;

/// A second, and its date.
type Dated = (Option<(u64, i16)>, Vec<u8>);

thread_local! {
    /// The date that was written last: thousands of lines are of one second.
    static LAST: RefCell<Dated> = const { RefCell::new((None, Vec::new())) };
}

/// A point in time, and how far local time is from UTC then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970, UTC.
    pub micros: u64,
    /// Minutes that local time is ahead of UTC; negative to the west.
    pub offset: i16,
}

impl Moment {
    /// Whole seconds since 1970, UTC.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.micros / 1_000_000
    }

    /// Milliseconds within its second.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.micros / 1_000 % 1_000
    }

    pub(super) const fn utc(self) -> Civil {
        Civil::new(self.seconds())
    }

    pub(super) const fn local(self) -> Civil {
        Civil::new(self.seconds().saturating_add_signed(self.offset as i64 * 60))
    }

    /// `06/Feb/2009:12:14:14.655`
    pub(super) fn write_precise(self, out: &mut Vec<u8>) {
        LAST.with_borrow_mut(|(of, date)| {
            let second = (self.seconds(), self.offset);
            if *of != Some(second) {
                *of = Some(second);
                date.clear();
                write_date(date, &self.local());
            }
            out.extend_from_slice(date);
        });
        out.push(b'.');
        put_padded(out, self.millis(), 3);
    }

    /// `06/Feb/2009:12:14:14 +0000`
    pub(super) fn write_utc(self, out: &mut Vec<u8>) {
        write_date(out, &self.utc());
        out.extend_from_slice(b" +0000");
    }

    /// `06/Feb/2009:13:14:14 +0100`
    pub(super) fn write_local(self, out: &mut Vec<u8>) {
        write_date(out, &self.local());
        out.push(b' ');
        self.write_offset(out, b"");
    }

    /// `+01:00` with a colon between.
    pub(super) fn write_offset(self, out: &mut Vec<u8>, between: &[u8]) {
        let minutes = u64::from(self.offset.unsigned_abs());
        out.push(if self.offset < 0 { b'-' } else { b'+' });
        put_padded(out, minutes / 60, 2);
        out.extend_from_slice(between);
        put_padded(out, minutes % 60, 2);
    }
}

/// `06/Feb/2009:12:14:14`
fn write_date(out: &mut Vec<u8>, civil: &Civil) {
    put_padded(out, civil.day, 2);
    out.push(b'/');
    out.extend_from_slice(civil.month_name().as_bytes());
    out.push(b'/');
    put_padded(out, civil.year, 4);
    out.push(b':');
    write_clock(out, civil);
}

/// `12:14:14`
pub(super) fn write_clock(out: &mut Vec<u8>, civil: &Civil) {
    put_padded(out, civil.hour, 2);
    out.push(b':');
    put_padded(out, civil.minute, 2);
    out.push(b':');
    put_padded(out, civil.second, 2);
}
