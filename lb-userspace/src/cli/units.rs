//! Numbers as people read them.

/// Packets: exact while short, then three digits and a unit of 1000.
pub(super) fn count(number: u64) -> String {
    if number < 100_000 {
        return number.to_string();
    }
    scaled(number, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// Bytes: three digits and a unit of 1024.
pub(super) fn bytes(number: u64) -> String {
    if number < 1024 {
        return format!("{number} B");
    }
    scaled(number, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

/// Bits: three digits and a unit of 1000.
pub(super) fn bits(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    scaled(number, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// A part of a whole, in per cent.
pub(super) fn share(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}

/// A span of time, in its two largest units.
pub(super) fn seconds(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |large: u64, large_name: char, small: u64, small_name: char| {
        let (many, rest) = (seconds / large, seconds % large / small);
        if rest == 0 {
            format!("{many}{large_name}")
        } else {
            format!("{many}{large_name} {rest}{small_name}")
        }
    };
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => two(MINUTE, 'm', 1, 's'),
        HOUR..DAY => two(HOUR, 'h', MINUTE, 'm'),
        DAY.. => two(DAY, 'd', HOUR, 'h'),
    }
}

/// One thing, or several.
pub(super) fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Takes the first unit in which three digits are enough.
fn scaled(number: u64, step: f64, units: &[&str]) -> String {
    let mut value = number as f64;
    let mut units = units.iter().peekable();
    loop {
        let Some(unit) = units.next() else { return number.to_string() };
        // What would be rounded up to the next unit is shown in it.
        if value < step - 0.5 || units.peek().is_none() {
            let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
            return format!("{value:.decimals$}{unit}");
        }
        value /= step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets() {
        for (number, text) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (9_994_999, "9.99M"),
            (9_995_000, "10.0M"),
            (1_234_567_890, "1.23G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(count(number), text, "{number}");
        }
    }

    #[test]
    fn sizes() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1_572_864, "1.50 MiB"),
            (1_048_575, "1.00 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text, "{number}");
        }
    }

    #[test]
    fn bit_rates() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1.00k"), (9_400_000_000, "9.40G")] {
            assert_eq!(bits(number), text, "{number}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!([share(0.0), share(0.333_333), share(1.0)], ["0.0%", "33.3%", "100.0%"]);
    }

    #[test]
    fn times() {
        for (number, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (303, "5m 3s"),
            (8_040, "2h 14m"),
            (86_400, "1d"),
            (273_600, "3d 4h"),
        ] {
            assert_eq!(seconds(number), text, "{number}");
        }
    }

    #[test]
    fn one_and_many() {
        assert_eq!([plural(1, "packet"), plural(2, "packet")], ["1 packet", "2 packets"]);
    }
}
