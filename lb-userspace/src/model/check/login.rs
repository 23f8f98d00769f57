//! A check by the first packets of a database.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who the check says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// A user without a password and without rights; `None`: nobody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

/// The name of a database's user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// A name that no user can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a user: use 1 to {most} bytes without control characters", most = UserName::LONGEST)]
pub struct UserNameError(String);

impl UserName {
    /// Bytes of the longest name (PostgreSQL's limit; MySQL's is higher).
    pub const LONGEST: usize = 63;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(UserNameError(text.to_owned())) }
    }
}

impl TryFrom<String> for UserName {
    type Error = UserNameError;

    fn try_from(text: String) -> Result<Self, UserNameError> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!("lb_check".parse::<UserName>().unwrap().as_str(), "lb_check");
        for wrong in ["", "a\0b", "a\nb", &"x".repeat(64)] {
            let error = wrong.parse::<UserName>().unwrap_err().to_string();
            assert!(error.contains("1 to 63 bytes"), "{error}");
        }
    }
}
