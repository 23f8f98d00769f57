//! Times computed from priority and interval (RFC 9568 §6.1, RFC 3768 §6.1), to the nanosecond: at an interval
//! of 10 ms one step of priority is 39 µs.

use std::time::Duration;

use crate::vrrp::types::{Priority, Version};

/// How much later a backup acts that is less important: less than a second, or less than the master's interval.
pub(super) fn skew(version: Version, priority: Priority, master: Duration) -> Duration {
    let whole = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => master,
    };
    whole * (256 - u32::from(priority.get())) / 256
}

/// After this time without an advertisement the master is dead.
pub(super) fn down(version: Version, priority: Priority, master: Duration) -> Duration {
    3 * master + skew(version, priority, master)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_microsecond() {
        let cases = [
            (Version::V2, 100, 1_000, 609_375, 3_609_375),
            (Version::V3, 100, 1_000, 609_375, 3_609_375),
            (Version::V3, 100, 100, 60_937, 360_937),
            (Version::V3, 100, 10, 6_093, 36_093),
            (Version::V3, 101, 10, 6_054, 36_054),
            (Version::V2, 1, 2_000, 996_093, 6_996_093),
            (Version::V3, 1, 2_000, 1_992_187, 7_992_187),
            (Version::V3, 255, 1_000, 3_906, 3_003_906),
            (Version::V3, 254, 40_950, 319_921, 123_169_921),
        ];
        for (version, priority, interval, late, dead) in cases {
            let (name, priority) =
                (format!("{version} {priority}"), Priority::new(priority).unwrap());
            let interval = Duration::from_millis(interval);
            assert_eq!(skew(version, priority, interval).as_micros(), late, "{name} {interval:?}");
            assert_eq!(down(version, priority, interval).as_micros(), dead, "{name} {interval:?}");
        }
    }
}
