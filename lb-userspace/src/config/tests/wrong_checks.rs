//! What can be wrong with a check.

use super::*;

const TCP: &str = "type = \"tcp\"";

#[test]
fn http() {
    expect(
        Severity::Error,
        &[
            case(
                (TCP, "path = \"/\""),
                (8, "\"/\"", "pool[0].check.path"),
                &["`path` says nothing to this check: it is for checks of type `http`"],
            ),
            case(
                (TCP, "type = \"http\", path = \"up\""),
                (8, "\"up\"", "pool[0].check.path"),
                &["`up` is not a path", "begins with `/`"],
            ),
            case(
                (TCP, "type = \"http\", method = \"get\""),
                (8, "\"get\"", "pool[0].check.method"),
                &["unknown method `get`", "`GET`"],
            ),
            case(
                (TCP, "type = \"http\", host = \"http://a\""),
                (8, "\"http://a\"", "pool[0].check.host"),
                &["is not a host"],
            ),
            case(
                (TCP, "type = \"http\", headers = [\"Host: a\"]"),
                (8, "\"Host: a\"", "pool[0].check.headers[0]"),
                &["`Host` is written by the check itself: use `host`"],
            ),
            case(
                (TCP, "type = \"http\", status = [\"2xx\"]"),
                (8, "\"2xx\"", "pool[0].check.status[0]"),
                &["`2xx` is not a status", "\"200-399\""],
            ),
            case(
                (TCP, "type = \"http\", status = []"),
                (8, "[]", "pool[0].check.status"),
                &["no status would be a good one"],
            ),
            case(
                (TCP, "type = \"http\", body_regex = \"a(b\""),
                (8, "\"a(b\"", "pool[0].check.body_regex"),
                &["`a(b` is not a regular expression: unclosed group"],
            ),
            case(
                (TCP, "type = \"http\", body = \"a\", body_regex = \"b\""),
                (8, "\"b\"", "pool[0].check.body_regex"),
                &["two ways", "keep one"],
            ),
            case(
                (TCP, "type = \"http\", body = \"\""),
                (8, "\"\"", "pool[0].check.body"),
                &["an empty text is in every body"],
            ),
            case(
                (TCP, "type = \"http\", method = \"HEAD\", body = \"ok\""),
                (8, "\"ok\"", "pool[0].check.body"),
                &["an answer to HEAD has no body", "GET"],
            ),
        ],
    );
}
