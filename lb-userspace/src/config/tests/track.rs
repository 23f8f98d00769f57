//! What is accepted of trackers.

use std::time::Duration;

use super::*;
use crate::model::{Script, TrackFile, TrackProcess, TrackScript, Tracked, Tracker, TrackerKind};

const LAST: &str = "addresses = [\"10.9.9.40/24\", \"10.9.9.50\"]\n";

/// What the instance makes of its trackers, and the trackers.
fn read(track: &str, trackers: &str) -> (Vec<(String, i16)>, Vec<Tracker>) {
    let text = VALID.replace(LAST, &format!("{LAST}track = {track}\n{trackers}"));
    let parsed = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    let weight = |Tracked { tracker, weight }: &Tracked| (tracker.to_string(), weight.get());
    (parsed.config.vrrp[0].track.iter().map(weight).collect(), parsed.config.trackers)
}

fn weights(pairs: &[(&str, i16)]) -> Vec<(String, i16)> {
    pairs.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect()
}

#[test]
fn what_is_left_out_is_as_by_default() {
    let (tracked, trackers) = read(
        "[\"script\", \"process\", \"file\", \"link\", \"pool\"]",
        "[[track]]\nname = \"script\"\nscript = [\"/bin/check\"]\n\
         [[track]]\nname = \"process\"\nprocess = \"haproxy\"\n\
         [[track]]\nname = \"file\"\nfile = \"/run/weight\"\n\
         [[track]]\nname = \"link\"\ninterface = \"eth1\"\n\
         [[track]]\nname = \"pool\"\npool = \"web\"\n",
    );
    let expected = [("script", 0), ("process", 0), ("file", 1), ("link", 0), ("pool", 0)];
    assert_eq!(tracked, weights(&expected));
    let kinds: Vec<_> = trackers.into_iter().map(|tracker| tracker.kind).collect();
    let second = Duration::from_secs(1);
    let expected = [
        TrackerKind::Script(TrackScript {
            script: Script { program: "/bin/check".into(), arguments: Vec::new() },
            user: "nobody".to_owned(),
            interval: second,
            timeout: second,
            rise: 1,
            fall: 1,
        }),
        TrackerKind::Process(TrackProcess {
            process: "haproxy".to_owned(),
            arguments: Vec::new(),
            at_least: 1,
            interval: second,
        }),
        TrackerKind::File(TrackFile { path: "/run/weight".into(), interval: second }),
        TrackerKind::Interface("eth1".parse().expect("a name")),
        TrackerKind::Pool("web".parse().expect("a name")),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn everything_can_be_said() {
    let (tracked, trackers) = read(
        "[\"a\", { name = \"b\", weight = -253 }, { name = \"c\" }]",
        "[[track]]\nname = \"a\"\nweight = 253\nscript = [\"/bin/check\", \"-x\", \"\"]\nuser = \"root\"\n\
         interval = \"5s\"\ntimeout = \"500ms\"\nrise = 2\nfall = 3\n\
         [[track]]\nname = \"b\"\nweight = 7\nscript = \"exit 0\"\nshell = true\n\
         [[track]]\nname = \"c\"\nweight = -20\nprocess = \"haproxy\"\narguments = [\"-f\", \"/a\"]\n\
         at_least = 2\ninterval = \"100ms\"\n",
    );
    assert_eq!(tracked, weights(&[("a", 253), ("b", -253), ("c", -20)]));
    let TrackerKind::Script(script) = &trackers[0].kind else { panic!("{trackers:?}") };
    let arguments = vec!["-x".to_owned(), String::new()];
    assert_eq!(script.script, Script { program: "/bin/check".into(), arguments });
    assert_eq!((script.user.as_str(), script.rise, script.fall), ("root", 2, 3));
    let times = (Duration::from_secs(5), Duration::from_millis(500));
    assert_eq!((script.interval, script.timeout), times);
    let TrackerKind::Script(script) = &trackers[1].kind else { panic!("{trackers:?}") };
    assert_eq!(script.script, Script::shell("exit 0".to_owned()));
    let TrackerKind::Process(process) = &trackers[2].kind else { panic!("{trackers:?}") };
    assert_eq!((process.arguments.len(), process.at_least), (2, 2));
    assert_eq!(process.interval, Duration::from_millis(100));
}
