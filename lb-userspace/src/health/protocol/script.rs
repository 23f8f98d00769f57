//! What the exit code of a script says of a real server.

use crate::{health::Advice, model::Weight};

/// Exit codes from here on say a weight, where they say one at all: 0 for this one, 253 for the last (as those of
/// keepalived's `MISC_CHECK` with `misc_dynamic`).
const FIRST_WEIGHT: u8 = 2;

/// The verdict on an exit code; `None`: it says that the server is not well. With `dynamic`, 0 is well with the
/// configured weight, and codes from 2 on are well with the weight that they say.
#[must_use]
pub fn judge_exit(dynamic: bool, code: u8) -> Option<Advice> {
    match code {
        0 => Some(Advice::NONE),
        FIRST_WEIGHT.. if dynamic => {
            let weight = Weight::new(code - FIRST_WEIGHT).ok();
            Some(Advice { weight, ..Advice::NONE })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let weight = |weight: u8| Advice { weight: Weight::new(weight).ok(), ..Advice::NONE };
        for (code, plain, dynamic) in [
            (0, Some(Advice::NONE), Some(Advice::NONE)),
            (1, None, None),
            (2, None, Some(weight(0))),
            (12, None, Some(weight(10))),
            (255, None, Some(weight(253))),
        ] {
            assert_eq!(
                (judge_exit(false, code), judge_exit(true, code)),
                (plain, dynamic),
                "{code}"
            );
        }
    }
}
