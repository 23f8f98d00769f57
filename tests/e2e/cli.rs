//! The command line against an agent, or none: exit codes and words.

use std::process::Command;

use crate::stage::{Stage, fails, output, rings};

#[test]
fn without_an_agent_every_command_says_so() {
    let stage = Stage::prepared(lb_tests::lab::Topology::default().reals(1), |_| {});
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["reload"],
        &["backend", "list"],
        &["guard", "list"],
        &["backend", "drain", "web4/real1"],
        &["trace", "tcp", "10.100.0.5:4711", "10.8.8.40:80"],
    ] {
        let (code, said) = stage.lb_fails(args);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("is `lb run` running?"), "{args:?}: {said}");
        assert!(said.contains("lb.sock"), "{args:?}: {said}");
    }
}

#[test]
fn a_change_that_cannot_be_is_refused_with_words() {
    let stage = Stage::up();
    let before = stage.status();
    // Arguments, exit code (2: what was typed cannot be meant), words.
    let cases: [(&[&str], i32, &[&str]); 14] = [
        (&["drain", "web5/real1"], 1, &["no pool `web5`", "web4, web6"]),
        (&["drain", "web4/real9"], 1, &["no real server `real9`", "real1, real2"]),
        (&["remove", "web4/real9"], 1, &["no real server `real9`", "real1, real2"]),
        (&["ready", "web6/real3"], 1, &["no real server `real3`", "real1, real2"]),
        (&["weight", "web4/real9", "1"], 1, &["no real server `real9`", "real1, real2"]),
        (&["list", "web5"], 1, &["no pool `web5`", "web4, web6"]),
        (&["drain", "real1"], 2, &["POOL/NAME", "web/real1"]),
        (&["weight", "web4/real1", "257"], 2, &["257", "256"]),
        (&["weight", "web4/real1", "-1"], 2, &["-1"]),
        (&["weight", "web4/real1", "heavy"], 2, &["heavy"]),
        (&["add", "web4/real1", "--address", "10.8.8.59"], 1, &["`real1` already"]),
        (&["add", "web4/real9", "--address", "10.8.8.52"], 1, &["10.8.8.52 already", "real2"]),
        (&["add", "web4/real9", "--address", "fd00:8:8::59"], 1, &["fd00:8:8::59", "family"]),
        (&["add", "web4/real9", "--address", "192.0.2.9"], 1, &["192.0.2.9", "10.8.8.0/24"]),
    ];
    for (args, code, words) in cases {
        let args = [&["backend"], args].concat();
        let (found, said) = stage.lb_fails(&args);
        assert_eq!(found, code, "{args:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{args:?}: not a word of {word}: {said}");
        }
    }
    assert_eq!(rings(&stage.status()), rings(&before));
    assert!(!stage.director.paths.state.join("operator.json").exists(), "nothing to remember");
}

#[test]
fn what_is_asked_is_answered() {
    let stage = Stage::up();
    let page = stage.lb(&["status"]);
    for word in ["director1", "eth0", "native", "web4", "web6", "bundle", "real1", "real2", "up"] {
        assert!(page.contains(word), "not a word of {word}: {page}");
    }
    assert!(!page.contains('\u{1b}'), "colours in a pipe: {page:?}");
    let list = stage.lb(&["backend", "list", "web6"]);
    assert!(list.contains("fd00:8:8::51") && !list.contains("10.8.8.51"), "{list}");
    let said = stage.lb(&["backend", "drain", "web4/real2"]);
    assert!(said.contains("web4/real2: drain"), "{said}");
    assert!(stage.lb(&["backend", "list"]).contains("drain"));

    // Members of the socket's group and root: nobody else.
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
    let copy = tempfile::TempDir::with_prefix("lb-e2e-").unwrap();
    let binary = crate::wrong::for_everybody(stage.director.binary(), copy.path());
    other.arg(binary).args(["status", "--socket"]).arg(&stage.director.paths.socket);
    let (code, said) = fails(&output(stage.director.namespace(), &mut other), &["status"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("permission denied") && said.contains("root"), "{said}");
}
