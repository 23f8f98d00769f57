//! The answer to a datagram.

use super::quoted;
use crate::model::{Expectation, UdpCheck};

/// What is wrong with a datagram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an answer that {}, got {came}", words(.wanted))]
pub struct UdpComplaint {
    wanted: Expectation,
    came: String,
}

fn words(wanted: &Expectation) -> String {
    match wanted {
        Expectation::Prefix(bytes) => format!("begins with {}", quoted(bytes.bytes())),
        Expectation::Regex(pattern) => format!("/{pattern}/ fits"),
    }
}

/// Is this a good answer?
///
/// # Errors
/// It is not: why.
pub fn judge(check: &UdpCheck, datagram: &[u8]) -> Result<(), UdpComplaint> {
    match &check.expect {
        Some(wanted) if !wanted.is_met(datagram) => {
            Err(UdpComplaint { wanted: wanted.clone(), came: quoted(datagram) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Payload;

    #[test]
    fn answers() {
        let check = |expect| UdpCheck { send: Payload::default(), expect };
        assert_eq!(judge(&check(None), b"anything"), Ok(()));
        let prefix = check(Some(Expectation::Prefix("01 ff".parse().unwrap())));
        assert_eq!(judge(&prefix, b"\x01\xff\0"), Ok(()));
        assert_eq!(
            judge(&prefix, b"\x01").unwrap_err().to_string(),
            "expected an answer that begins with \"\\x01\\xff\", got \"\\x01\""
        );
        let pattern = check(Some(Expectation::Regex("^ok".parse().unwrap())));
        assert_eq!(
            judge(&pattern, b"no").unwrap_err().to_string(),
            "expected an answer that /^ok/ fits, got \"no\""
        );
    }
}
