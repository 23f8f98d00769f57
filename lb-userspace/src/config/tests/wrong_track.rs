//! What can be wrong with trackers, and with what instances make of them.

use super::*;

const LAST: &str = "addresses = [\"10.9.9.40/24\", \"10.9.9.50\"]\n";
const PRIORITY: &str = "priority = 100";

/// [`VALID`] with a tracker `t` made of these lines, which the instance tracks.
fn tracker(
    lines: &'static str,
    place: (usize, &'static str, &'static str),
    words: &'static [&'static str],
) -> Case {
    let text = format!("{LAST}track = [\"t\"]\n[[track]]\nname = \"t\"\n{lines}\n");
    case((LAST, text.leak()), place, words)
}

#[test]
fn kinds() {
    expect(
        Severity::Error,
        &[
            tracker(
                "",
                (41, "[[track]]", "track[0]"),
                &[
                    "watches nothing",
                    "`script`, `process`, `file`, `interface`, `pool` and `proxy`",
                ],
            ),
            Case {
                related: Some((43, "the other one")),
                ..tracker(
                    "process = \"a\"\nfile = \"/b\"",
                    (44, "\"/b\"", "track[0].file"),
                    &["`process` and `file` are two", "a [[track]] for each"],
                )
            },
            tracker(
                "file = \"/b\"\nrise = 2",
                (44, "2", "track[0].rise"),
                &["`rise` says nothing here", "it is for `script`"],
            ),
            tracker(
                "interface = \"eth1\"\ninterval = \"1s\"",
                (44, "\"1s\"", "track[0].interval"),
                &["for `script`, `process` and `file`"],
            ),
            tracker(
                "interface = \"a b\"",
                (43, "\"a b\"", "track[0].interface"),
                &["an interface name has no"],
            ),
            tracker("file = \"b\"", (43, "\"b\"", "track[0].file"), &["not an absolute path"]),
            tracker(
                "pool = \"wep\"",
                (43, "\"wep\"", "track[0].pool"),
                &["there is no pool `wep`", "did you mean `web`?"],
            ),
        ],
    );
}

#[test]
fn scripts() {
    let script = "track[0].script";
    expect(
        Severity::Error,
        &[
            tracker(
                "script = \"/bin/a b\"",
                (43, "\"/bin/a b\"", script),
                &["no shell takes this apart", "write [\"/bin/a\", \"b\"]"],
            ),
            tracker("script = []", (43, "[]", script), &["a script without a program"]),
            tracker(
                "script = [\"a\"]",
                (43, "\"a\"", "track[0].script[0]"),
                &["`a` is not an absolute path"],
            ),
            tracker(
                "script = [\"/a\", 1]",
                (43, "1", "track[0].script[1]"),
                &["expected a string"],
            ),
            tracker(
                "script = [\"/a\", \"\\u0000\"]",
                (43, "\"\\u0000\"", "track[0].script[1]"),
                &["no program takes a NUL byte"],
            ),
            tracker("shell = true\nscript = \" \"", (44, "\" \"", script), &["an empty text"]),
            tracker(
                "shell = true\nscript = [\"/a\"]",
                (44, "[\"/a\"]", script),
                &["expected a string"],
            ),
            tracker(
                "script = [\"/a\"]\ntimeout = \"10ms\"",
                (44, "\"10ms\"", "track[0].timeout"),
                &["use 50ms to 1h"],
            ),
            tracker(
                "script = [\"/a\"]\nrise = 0",
                (44, "0", "track[0].rise"),
                &["1 to 255 checks in a row"],
            ),
            tracker(
                "script = [\"/a\"]\nuser = \"\"",
                (44, "\"\"", "track[0].user"),
                &["`` is not the name of a user"],
            ),
        ],
    );
    expect(
        Severity::Warning,
        &[tracker(
            "script = [\"/a\"]\ntimeout = \"2s\"",
            (44, "\"2s\"", "track[0].timeout"),
            &["timeout 2s is longer than the interval 1s", "waits for the end"],
        )],
    );
}

#[test]
fn processes() {
    expect(
        Severity::Error,
        &[
            tracker(
                "process = \"/usr/sbin/haproxy\"",
                (43, "\"/usr/sbin/haproxy\"", "track[0].process"),
                &["is a path", "write \"haproxy\""],
            ),
            tracker("process = \"\"", (43, "\"\"", "track[0].process"), &["an empty text"]),
            tracker(
                "process = \"a\"\nat_least = 0",
                (44, "0", "track[0].at_least"),
                &["1 to 65535 processes"],
            ),
            tracker(
                "process = \"a\"\narguments = \"-f\"",
                (44, "\"-f\"", "track[0].arguments"),
                &["put it in brackets"],
            ),
        ],
    );
}

#[test]
fn weights() {
    let out = &["is out of range", "1 to 253", "-1 to -253"];
    expect(
        Severity::Error,
        &[
            tracker("process = \"a\"\nweight = 254", (44, "254", "track[0].weight"), out),
            tracker("process = \"a\"\nweight = -254", (44, "-254", "track[0].weight"), out),
            case(
                (
                    LAST,
                    "addresses = [\"10.9.9.40/24\"]\ntrack = [{ name = \"t\", weight = 300 }]\n[[track]]\nname = \"t\"\nfile = \"/b\"\n",
                ),
                (40, "300", "vrrp[0].track[0].weight"),
                out,
            ),
        ],
    );
    let owner = |track, place: (usize, &'static str, &'static str), words| {
        let text = format!(
            "priority = 255\ntrack = [{track}]\n[[track]]\nname = \"t\"\nprocess = \"a\"\nweight = 2\n[[vrrp]]\nname = \"other\"\nvirtual_router_id = 7\ninterface = \"eth1\""
        );
        let text = text.replace("\n[[track]]", &format!("\n{LAST}[[track]]"));
        case((PRIORITY, text.leak()), place, words)
    };
    // The rest of the instance becomes another one: what VALID has behind its priority.
    let rest = |case: Case| {
        let text = case.edit.1.replace(LAST, "addresses = [\"10.9.9.41\"]\n");
        Case { edit: (case.edit.0, text.leak()), ..case }
    };
    expect(
        Severity::Warning,
        &[
            rest(owner(
                "\"t\"",
                (38, "\"t\"", "vrrp[0].track[0]"),
                &["weight 2 has no effect", "`shared` is the owner", "weight 0"],
            )),
            rest(owner(
                "{ name = \"t\", weight = -9 }",
                (38, "-9", "vrrp[0].track[0].name"),
                &["weight -9 has no effect"],
            )),
        ],
    );
}

#[test]
fn names() {
    let unknown = |track: &'static str, words| {
        let text = format!("{PRIORITY}\ntrack = [{track}]");
        case((PRIORITY, text.leak()), (38, track, "vrrp[0].track[0]"), words)
    };
    expect(
        Severity::Error,
        &[
            unknown(
                "\"t\"",
                &["there is no tracker `t`", "describe what is watched in a [[track]]"],
            ),
            case(
                (
                    LAST,
                    "addresses = [\"10.9.9.40\"]\ntrack = [\"hapoxy\", \"haproxy\"]\n[[track]]\nname = \"haproxy\"\nprocess = \"haproxy\"\n",
                ),
                (40, "\"hapoxy\"", "vrrp[0].track[0]"),
                &["there is no tracker `hapoxy`", "did you mean `haproxy`?"],
            ),
            Case {
                edit: (
                    LAST,
                    "addresses = [\"10.9.9.40\"]\ntrack = [\"a\", { name = \"a\" }]\n[[track]]\nname = \"a\"\nprocess = \"a\"\n",
                ),
                place: (40, "\"a\"", "vrrp[0].track[1].name"),
                words: &["tracker `a` is named twice"],
                related: Some((40, "first here")),
            },
            Case {
                edit: (
                    LAST,
                    "addresses = [\"10.9.9.40\"]\ntrack = [\"a\"]\n[[track]]\nname = \"a\"\nprocess = \"a\"\n[[track]]\nname = \"a\"\nprocess = \"b\"\n",
                ),
                place: (45, "\"a\"", "track[1].name"),
                words: &["two trackers have the name `a`"],
                related: Some((42, "first here")),
            },
        ],
    );
    expect(
        Severity::Warning,
        &[case(
            (LAST, "addresses = [\"10.9.9.40\"]\n[[track]]\nname = \"a\"\nprocess = \"a\"\n"),
            (41, "\"a\"", "track[0].name"),
            &["no instance tracks `a`", "add `track = [\"a\"]`"],
        )],
    );
}
