//! What a file on the director says of a real server.

use super::quoted;
use crate::{
    health::Advice,
    model::{Expectation, FileCheck, Weight},
};

/// Bytes of a file that are looked at.
pub const FILE_LOOKED_AT: u64 = 64 << 10;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileComplaint {
    /// It has something else in it.
    #[error("expected a file that {}, it begins with {begin}", words(.wanted))]
    Other {
        /// What should be in it.
        wanted: Expectation,
        /// What is.
        begin: String,
    },
    /// It has no weight in it.
    #[error("expected a weight in the file, a number from 0 to {max}, got {0}", max = Weight::MAX)]
    NoWeight(String),
}

fn words(wanted: &Expectation) -> String {
    match wanted {
        Expectation::Prefix(bytes) => format!("begins with {}", quoted(bytes.bytes())),
        Expectation::Regex(pattern) => format!("/{pattern}/ fits"),
    }
}

/// The verdict on what a file holds, and the weight that it says.
///
/// # Errors
/// Something else is in it: what.
pub fn judge_file(check: &FileCheck, content: &[u8]) -> Result<Advice, FileComplaint> {
    if let Some(wanted) = check.expect.as_ref().filter(|wanted| !wanted.is_met(content)) {
        return Err(FileComplaint::Other { wanted: wanted.clone(), begin: quoted(content) });
    }
    if !check.dynamic {
        return Ok(Advice::NONE);
    }
    let number = std::str::from_utf8(content).ok().and_then(|text| text.trim().parse::<i64>().ok());
    let weight = number.and_then(|number| Weight::new(number).ok());
    let weight = weight.ok_or_else(|| FileComplaint::NoWeight(quoted(content)))?;
    Ok(Advice { weight: Some(weight), ..Advice::NONE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: Option<Expectation>, dynamic: bool) -> FileCheck {
        FileCheck { file: "/run/web1".into(), expect, dynamic }
    }

    #[test]
    fn contents() {
        let well = Ok(Advice::NONE);
        assert_eq!(judge_file(&check(None, false), b"\xff"), well);
        let up = || Some(Expectation::Regex("(?m)^up$".parse().unwrap()));
        assert_eq!(judge_file(&check(up(), false), b"web1:\nup\n"), well);
        let complaint = judge_file(&check(up(), false), b"down\n").unwrap_err().to_string();
        assert_eq!(complaint, "expected a file that /(?m)^up$/ fits, it begins with \"down\"");
    }

    #[test]
    fn weights() {
        let dynamic = check(None, true);
        for (content, weight) in [(" 12\n", 12), ("0", 0), ("256", 256)] {
            let found = judge_file(&dynamic, content.as_bytes()).unwrap();
            assert_eq!(found.weight, Some(Weight::new(weight).unwrap()), "{content:?}");
        }
        for content in ["", "x", "-1", "257", "1 2"] {
            let complaint = judge_file(&dynamic, content.as_bytes()).unwrap_err().to_string();
            assert!(complaint.contains("a number from 0 to 256, got"), "{complaint}");
        }
    }
}
