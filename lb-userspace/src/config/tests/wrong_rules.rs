//! What can be wrong with the rules of a pool.

use std::time::Duration;

use super::*;
use crate::model::{
    Backups, BelowQuorum, Damping, OnDown, PoolNotify, PoolRules, Quorum, Script, Webhook,
    WebhookUrl,
};

/// One more key in the pool `web`: it stands in line 7.
const fn key(
    text: &'static str,
    place: (&'static str, &'static str),
    words: &'static [&'static str],
) -> Case {
    case(("scheduler = \"maglev\"", text), (7, place.0, place.1), words)
}

#[test]
fn everything_arrives_in_the_model() {
    let text = edited((
        "scheduler = \"maglev\"",
        "quorum = 2\nquorum_hysteresis = 1\nbelow_quorum = \"serve\"\n\
        backups = \"first\"\non_down = \"keep\"\npanic_threshold = \"40%\"\n\
        damping = { changes = 6, within = \"5m\", hold = \"2m\" }",
    ))
    .replace("weight = 2 }", "weight = 2, backup = true }");
    let parsed = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    let web = parsed.config.pool("web").unwrap();
    let minute = Duration::from_mins(1);
    assert_eq!(
        web.rules,
        PoolRules {
            quorum: Some(Quorum::new(2).unwrap().with_hysteresis(1).unwrap()),
            below_quorum: BelowQuorum::Serve,
            backups: Backups::First,
            on_down: OnDown::Keep,
            panic: Some("40%".parse().unwrap()),
            damping: Some(Damping { changes: 6, within: 5 * minute, hold: 2 * minute }),
        }
    );
    assert_eq!([0, 1].map(|index| web.servers[index].backup), [false, true]);
    let plain = parse("lb.toml", VALID).unwrap().config;
    assert_eq!(plain.pool("web").unwrap().rules, PoolRules::default());
}

#[test]
fn values() {
    expect(
        Severity::Error,
        &[
            key("quorum = 0", ("0", "pool[0].quorum"), &["a quorum is a weight of 1 to 4194304"]),
            key(
                "quorum_hysteresis = 3\nquorum = 3",
                ("3", "pool[0].quorum_hysteresis"),
                &["with quorum = 3 a hysteresis is 0 to 2"],
            ),
            key(
                "quorum_hysteresis = 1",
                ("1", "pool[0].quorum_hysteresis"),
                &["`quorum_hysteresis` without `quorum`", "add `quorum = 2`"],
            ),
            key(
                "below_quorum = \"serve\"",
                ("\"serve\"", "pool[0].below_quorum"),
                &["`below_quorum` without `quorum` says nothing"],
            ),
            key(
                "on_down = \"keeep\"",
                ("\"keeep\"", "pool[0].on_down"),
                &["unknown answer `keeep`", "available: `move`, `keep` and `kill`"],
            ),
            key(
                "panic_threshold = \"40\"",
                ("\"40\"", "pool[0].panic_threshold"),
                &["`40` is not a share: write one from \"1%\" to \"100%\""],
            ),
            key(
                "panic_threshold = 40",
                ("40", "pool[0].panic_threshold"),
                &["expected a string, found a whole number"],
            ),
            key(
                "damping = { changes = 1, within = \"5m\", hold = \"2m\" }",
                ("1", "pool[0].damping.changes"),
                &["`changes` is 2 to 100"],
            ),
            key(
                "damping = { changes = 6, within = \"5m\", hold = \"10ms\" }",
                ("\"10ms\"", "pool[0].damping.hold"),
                &["`10ms` is out of range: it is 1s to 24h"],
            ),
            key(
                "damping = { changes = 6, within = \"5m\" }",
                ("{ changes = 6, within = \"5m\" }", "pool[0].damping.hold"),
                &["`hold` is missing", "add `hold = \"2m\"`"],
            ),
        ],
    );
}

#[test]
fn rules_that_cannot_come_to_bear() {
    expect(
        Severity::Warning,
        &[
            key(
                "quorum = 4",
                ("4", "pool[0].quorum"),
                &["pool `web` has a weight of 3 in all", "count weights, not servers"],
            ),
            key(
                "quorum = 3\nquorum_hysteresis = 1",
                ("3", "pool[0].quorum"),
                &["a lost quorum of 4, hysteresis included, never comes back"],
            ),
            key(
                "backups = \"first\"",
                ("\"first\"", "pool[0].backups"),
                &["pool `web` has no backup servers", "write `backup = true`"],
            ),
            case(
                (
                    "name = \"dns\"",
                    "damping = { changes = 6, within = \"5m\", hold = \"2m\" }\nname = \"dns\"",
                ),
                (14, "{ changes = 6, within = \"5m\", hold = \"2m\" }", "pool[1].damping"),
                &["pool `dns` has no check: its servers never come and go"],
            ),
            case(
                ("address = \"2001:db8::53\" }", "address = \"2001:db8::53\", backup = true }"),
                (13, "[[pool]]", "pool[1].servers"),
                &["every server of pool `dns` is a backup"],
            ),
        ],
    );
}

#[test]
fn who_is_told() {
    let keys = "notify_up = \"/u\"\nnotify_down = [\"/d\", \"x\"]\nquorum_up = \"/qu\"\nquorum_down = \"/qd\"\n\
                notify_user = \"nobody\"\nnotify_timeout = \"5s\"\nnotify_fifo = \"/run/lb/health\"";
    let webhook = "[webhook]\nurl = \"https://hooks.example.org/lb\"\ntimeout = \"3s\"\n";
    let text = edited(("scheduler = \"maglev\"", keys))
        .replace("weight = 2 }", "weight = 2, notify_down = \"/own\" }")
        + webhook;
    let parsed = parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    let script = |program: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        Some(Script { program: program.into(), arguments })
    };
    let expected = PoolNotify {
        up: script("/u", &[]),
        down: script("/d", &["x"]),
        own: [("web2".parse().unwrap(), [None, script("/own", &[])])].into(),
        quorum_up: script("/qu", &[]),
        quorum_down: script("/qd", &[]),
        user: Some("nobody".to_owned()),
        timeout: Duration::from_secs(5),
        fifo: Some("/run/lb/health".into()),
        mail: false,
        webhook: true,
    };
    assert_eq!(parsed.config.pool("web").unwrap().notify, expected);
    let url = WebhookUrl::parse("https://hooks.example.org/lb").unwrap();
    let timeout = Duration::from_secs(3);
    assert_eq!(parsed.config.webhook, Some(Webhook { url, ca_file: None, timeout }));
    let plain = parse("lb.toml", VALID).unwrap().config;
    assert_eq!(plain.pool("web").unwrap().notify, PoolNotify::default());
    expect(
        Severity::Error,
        &[
            key("mail = true", ("true", "pool[0].mail"), &["there is no [mail]"]),
            key(
                "webhook = true",
                ("true", "pool[0].webhook"),
                &["there is no [webhook]", "add a [webhook] with `url`"],
            ),
            key(
                "notify_down = \"down.sh\"",
                ("\"down.sh\"", "pool[0].notify_down"),
                &["`down.sh` is not an absolute path"],
            ),
            case(
                ("[[vrrp]]", "[webhook]\nurl = \"hooks.example.org\"\n[[vrrp]]"),
                (34, "\"hooks.example.org\"", "webhook.url"),
                &["is not a URL: write one such as \"https://hooks.example.org/lb\""],
            ),
        ],
    );
}
