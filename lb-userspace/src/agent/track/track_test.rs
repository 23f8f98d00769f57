//! Trackers at work: what they find, and what a reload does to them.

use std::{fs, process::Command, time::Duration};

use super::*;
use crate::model::{Script, TrackFile, TrackProcess, TrackScript};

const SOON: Duration = Duration::from_millis(50);

fn tracker(name: &str, kind: TrackerKind) -> Tracker {
    Tracker { name: Name::new(name).unwrap(), kind }
}

fn script(line: &str) -> TrackerKind {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    TrackerKind::Script(TrackScript {
        script: Script::shell(line.to_owned()),
        user,
        interval: SOON,
        timeout: Duration::from_secs(20),
        rise: 1,
        fall: 1,
    })
}

async fn until(trackers: &Trackers, name: &str, wanted: Reading) -> Finding {
    let name = Name::new(name).unwrap();
    let mut findings = trackers.findings();
    let so = |all: &Findings| all.get(&name).is_some_and(|finding| finding.reading == wanted);
    let wait = timeout(Duration::from_secs(20), findings.wait_for(so)).await;
    let found = wait.unwrap_or_else(|_| panic!("{name} is not {wanted}")).unwrap();
    found[&name].clone()
}

#[tokio::test]
async fn a_process_that_ends_is_missed_at_once_and_found_again() {
    // A time that no other process sleeps.
    let time = format!("86398.{}", std::process::id());
    // So that only its end can tell: nobody looks for it again within an hour.
    let kind = |interval| {
        TrackerKind::Process(TrackProcess {
            process: "sleep".to_owned(),
            arguments: vec![time.clone()],
            at_least: 1,
            interval,
        })
    };
    let start = || Command::new("sleep").arg(&time).spawn().unwrap();
    let mut child = start();
    let mut trackers = Trackers::new();
    trackers.begin(&[tracker("p", kind(SOON))]).await;
    until(&trackers, "p", Reading::Up).await;
    trackers.begin(&[tracker("p", kind(Duration::from_hours(1)))]).await;
    child.kill().unwrap();
    assert_eq!(until(&trackers, "p", Reading::Down).await.reason, "no process");
    child.wait().unwrap();
    trackers.begin(&[tracker("p", kind(SOON))]).await;
    let mut child = start();
    until(&trackers, "p", Reading::Up).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_file_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weight");
    let mut trackers = Trackers::new();
    let file = TrackerKind::File(TrackFile { path: path.clone(), interval: SOON });
    trackers.begin(&[tracker("f", file)]).await;
    until(&trackers, "f", Reading::Number(0)).await;
    fs::write(&path, "-17\n").unwrap();
    until(&trackers, "f", Reading::Number(-17)).await;
    fs::remove_file(&path).unwrap();
    assert_eq!(until(&trackers, "f", Reading::Number(0)).await.reason, "there is no such file");
}

#[tokio::test]
async fn interfaces_that_are_there_and_not() {
    let interface = |name: &str| TrackerKind::Interface(name.parse().unwrap());
    let mut trackers = Trackers::new();
    let none = tracker("none", interface("no-such-one"));
    trackers.begin(&[none]).await;
    let finding = until(&trackers, "none", Reading::Down).await;
    assert_eq!(finding.reason, "no-such-one does not exist");
}

#[tokio::test]
async fn a_reload_keeps_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let count = || fs::read_to_string(&runs).unwrap_or_default().lines().count();
    let line = format!("echo x >> {}", runs.display());
    let all = [tracker("s", script(&line)), tracker("gone", script("exit 1"))];
    let mut trackers = Trackers::new();
    trackers.begin(&all).await;
    until(&trackers, "s", Reading::Up).await;
    until(&trackers, "gone", Reading::Down).await;
    // The same again: the same task goes on, and nothing is forgotten meanwhile.
    trackers.begin(&all[..1]).await;
    trackers.retain(&all[..1]);
    let name = |name| Name::new(name).unwrap();
    assert_eq!(trackers.findings().borrow().len(), 1);
    assert_eq!(trackers.board.reading(&name("gone")), Reading::Unknown);
    let before = count();
    while count() < before + 3 {
        tokio::time::sleep(SOON).await;
    }
    // Another one of the same name keeps the state until it knows better.
    let slow = tracker("s", script("sleep 1000"));
    trackers.begin(std::slice::from_ref(&slow)).await;
    assert_eq!(trackers.board.reading(&name("s")), Reading::Up);
    trackers.begin(&[tracker("s", script("exit 3"))]).await;
    assert_eq!(until(&trackers, "s", Reading::Down).await.reason, "exit code 3");
}

#[tokio::test]
async fn services_of_the_proxy_are_as_the_agent_says() {
    let mut trackers = Trackers::new();
    trackers.begin(&[tracker("shop", TrackerKind::Proxy(Name::new("s").unwrap()))]).await;
    trackers.tell_proxies(|service| service.as_str() == "s");
    until(&trackers, "shop", Reading::Up).await;
    trackers.tell_proxies(|_| false);
    assert_eq!(until(&trackers, "shop", Reading::Down).await.reason, "no worker serves it");
}

#[tokio::test]
async fn pools_are_as_the_agent_says() {
    let mut trackers = Trackers::new();
    trackers.begin(&[tracker("web", TrackerKind::Pool(Name::new("w").unwrap()))]).await;
    trackers.tell_pools(|pool| (pool.as_str() == "w").then_some(2));
    assert_eq!(until(&trackers, "web", Reading::Up).await.reason, "2 real servers");
    trackers.tell_pools(|_| None);
    assert_eq!(trackers.board.reading(&Name::new("web").unwrap()), Reading::Up);
    trackers.tell_pools(|_| Some(0));
    assert_eq!(
        until(&trackers, "web", Reading::Down).await.reason,
        "no real server takes new flows"
    );
}
