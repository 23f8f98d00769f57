//! The scripts that a configuration names, looked at on this host: wherever they stand, the same is asked of them.

use std::iter;

use crate::{
    agent::script::{Unsafe, judge},
    config::{Parsed, Report},
    model::{
        Check, CheckKind, Config, Pool, Script, ScriptCheck, TrackScript, Tracker, TrackerKind,
    },
};

/// What is run must be there, and be what nobody else can change.
///
/// # Errors
/// Everything that is wrong, at its place.
pub(super) fn judge_all(parsed: &Parsed) -> Result<(), Report> {
    let mut wrong: Option<Report> = None;
    for Named { key, user_key, script, user } in scripts(&parsed.config) {
        let Err(error) = judge(script, user) else { continue };
        let key = if matches!(error, Unsafe::NoUser(_)) { user_key } else { key };
        let report = parsed.warnings.host_error(&key, &error.to_string(), Some(&error.advice()));
        match &mut wrong {
            Some(wrong) => wrong.diagnostics.extend(report.diagnostics),
            None => wrong = Some(report),
        }
    }
    wrong.map_or(Ok(()), |mut wrong| {
        // A user who is not there is wrong once, for however many scripts.
        wrong.diagnostics.dedup();
        Err(wrong)
    })
}

/// A script, and where it and its user stand in the file.
struct Named<'a> {
    key: String,
    user_key: String,
    script: &'a Script,
    user: Option<&'a str>,
}

/// All that are run, whoever runs them.
fn scripts(config: &Config) -> impl Iterator<Item = Named<'_>> {
    let instances = config.vrrp.iter().map(|instance| &instance.notify).enumerate();
    let groups = config.vrrp_groups.iter().map(|group| &group.notify).enumerate();
    let instances = instances.map(|(index, notify)| (format!("vrrp[{index}]"), notify));
    let groups = groups.map(|(index, notify)| (format!("vrrp_group[{index}]"), notify));
    let notifications = instances.chain(groups).flat_map(|(table, notify)| {
        let named = move |(key, script)| Named {
            key: format!("{table}.{key}"),
            user_key: format!("{table}.notify_user"),
            script,
            user: notify.user.as_deref(),
        };
        notify.scripts().map(named)
    });
    let pools = config.pools.iter().enumerate();
    let pools = pools.flat_map(|(index, pool)| of_checks(index, pool).chain(of_pool(index, pool)));
    of_trackers(&config.trackers).chain(notifications).chain(pools)
}

fn of_trackers(trackers: &[Tracker]) -> impl Iterator<Item = Named<'_>> {
    trackers.iter().enumerate().filter_map(|(index, tracker)| {
        let TrackerKind::Script(TrackScript { script, user, .. }) = &tracker.kind else {
            return None;
        };
        let key = |key| format!("track[{index}].{key}");
        Some(Named { key: key("script"), user_key: key("user"), script, user: Some(user) })
    })
}

fn of_checks<'a>(index: usize, pool: &'a Pool) -> impl Iterator<Item = Named<'a>> {
    let several = pool.checks.iter().len() > 1;
    let named = move |(place, check): (usize, &'a Check)| {
        let CheckKind::Script(ScriptCheck { script, user, .. }) = &check.kind else { return None };
        let place = if several { format!("[{place}]") } else { String::new() };
        let key = |key| format!("pool[{index}].check{place}.{key}");
        Some(Named { key: key("script"), user_key: key("user"), script, user: Some(user) })
    };
    pool.checks.iter().enumerate().filter_map(named)
}

/// Those that hear of real servers and of the quorum.
fn of_pool(index: usize, pool: &Pool) -> impl Iterator<Item = Named<'_>> {
    let notify = &pool.notify;
    let all = [
        ("notify_up", &notify.up),
        ("notify_down", &notify.down),
        ("quorum_up", &notify.quorum_up),
        ("quorum_down", &notify.quorum_down),
    ];
    let all = all.into_iter().map(|(key, script)| (key.to_owned(), script));
    let own = pool.servers.iter().enumerate().flat_map(|(place, server)| {
        let keys = iter::zip(
            ["notify_up", "notify_down"],
            notify.own.get(&server.name).into_iter().flatten(),
        );
        keys.map(move |(key, script)| (format!("servers[{place}].{key}"), script))
    });
    all.chain(own).filter_map(move |(key, script)| {
        Some(Named {
            key: format!("pool[{index}].{key}"),
            user_key: format!("pool[{index}].notify_user"),
            script: script.as_ref()?,
            user: notify.user.as_deref(),
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::config_file::{ConfigFileError, load};

    /// Where something is wrong, what stands there, and what is said of it.
    fn wrong(text: &str) -> Vec<[String; 3]> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lb.toml");
        std::fs::write(&path, format!("[node]\nname = \"a\"\ninterface = \"eth0\"\n{text}"))
            .unwrap();
        let ConfigFileError::Invalid(report) = load(&path).unwrap_err() else { panic!() };
        let found = report.diagnostics.iter().map(|one| {
            [one.key.clone(), report.text[one.span.clone()].to_owned(), one.message.clone()]
        });
        found.collect()
    }

    const MISSING: &str = "/no-such: no such file or directory";
    const NOBODY: &str = "there is no user `no-such-user` on this host";

    #[test]
    fn those_of_trackers_and_of_vrrp() {
        let found = wrong(
            "[[track]]\nname = \"a\"\nscript = [\"/no-such\", \"x\"]\n\
             [[track]]\nname = \"b\"\nscript = \"exit\"\nshell = true\nuser = \"no-such-user\"\n\
             [[vrrp]]\nname = \"v\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
             addresses = [\"10.9.9.1\"]\ngroup = \"g\"\nnotify_user = \"no-such-user\"\n\
             notify_master = \"/bin/true\"\nnotify = [\"/bin/true\", \"x\"]\n\
             [[vrrp_group]]\nname = \"g\"\nnotify_stop = \"/no-such\"\n",
        );
        let expected = [
            ["track[0].script", "[\"/no-such\", \"x\"]", MISSING],
            ["track[1].user", "\"no-such-user\"", NOBODY],
            ["vrrp[0].notify_user", "\"no-such-user\"", NOBODY],
            ["vrrp_group[0].notify_stop", "\"/no-such\"", MISSING],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn those_of_pools() {
        let pool = |more: &str, server: &str| {
            wrong(&format!(
                "[[pool]]\nname = \"p\"\n{more}\n\
                 servers = [{{ name = \"r\", address = \"10.0.0.1\"{server} }}]\n\
                 [[service]]\nname = \"s\"\naddress = \"10.0.0.2\"\nports = [\"tcp/80\"]\npool = \"p\"\n"
            ))
        };
        let script = r#"["/no-such", "{address}"]"#;
        let found = pool(&format!("check = {{ type = \"script\", script = {script} }}"), "");
        assert_eq!(found, [["pool[0].check.script", script, MISSING]]);
        let found = pool("quorum_down = \"/no-such\"", ", notify_up = \"/no-such\"");
        let expected = [
            ["pool[0].quorum_down", "\"/no-such\"", MISSING],
            ["pool[0].servers[0].notify_up", "\"/no-such\"", MISSING],
        ];
        assert_eq!(found, expected);
        let found = pool("notify_user = \"no-such-user\"\nnotify_up = \"/bin/true\"", "");
        assert_eq!(found, [["pool[0].notify_user", "\"no-such-user\"", NOBODY]]);
    }
}
