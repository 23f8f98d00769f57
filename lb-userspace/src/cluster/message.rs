//! Questions and answers, as JSON.

use serde::{Deserialize, Serialize};

use super::Summary;
use crate::{api::Change, model::Name};

/// The longest message that is read: summaries of very many services.
pub const LONGEST: usize = 1 << 20;

/// What a director asks another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// What do you have?
    Summary,
    /// An operator wants this of all directors.
    Change {
        /// The pool.
        pool: Name,
        /// What is to become of it.
        change: Change,
    },
}

/// What the other says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// What it has.
    Summary(Summary),
    /// It is in force there, with these warnings.
    Done(Vec<String>),
    /// It is not, and why.
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::NewState, plan::Admin};

    #[test]
    fn what_directors_of_one_version_say_stays_readable() {
        let change = Change::State(Name::new("web1").unwrap(), NewState { state: Admin::Drain });
        let question = Question::Change { pool: Name::new("web").unwrap(), change };
        let text = serde_json::to_string(&question).unwrap();
        assert_eq!(
            text,
            r#"{"change":{"pool":"web","change":{"state":["web1",{"state":"drain"}]}}}"#
        );
        assert_eq!(serde_json::from_str::<Question>(&text).unwrap(), question);
        assert_eq!(serde_json::to_string(&Question::Summary).unwrap(), r#""summary""#);
    }
}
