//! A probe that wants more than its checks need.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::*;
use crate::{
    health::Outcome,
    model::{CheckKind, Jitter, Mark, Tunnel, VipPath},
    probe::Opened,
};

const PATH: VipPath = VipPath { vip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 40)), tunnel: None };

/// Opens everything, and counts how many are open.
#[derive(Debug, Default)]
struct All(std::sync::Arc<AtomicUsize>);

#[derive(Debug)]
struct Counted(std::sync::Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Opener for All {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let passage = Box::new(Counted(std::sync::Arc::clone(&self.0)));
        let socket = Transport::Udp.socket(door.real).expect("a socket");
        Box::pin(async move { Ok(Opened { socket, passage }) })
    }
}

fn job() -> Job {
    Job {
        kind: CheckKind::Tcp,
        address: "127.0.0.1:80".parse().expect("an address"),
        interface: None,
        source: None,
        mark: Mark::new(7).ok(),
        proxy: None,
        vips: vec![PATH],
        interval: Duration::from_secs(1),
        jitter: Jitter::NONE,
        warm_up: None,
        timeout: Duration::from_secs(1),
        place: 0,
    }
}

fn door() -> Door {
    let Job { address: real, mark, .. } = job();
    let lead = Lead { interface: None, source: None, mark };
    Door { transport: Transport::Tcp, real, path: Some(PATH), lead }
}

#[tokio::test]
async fn sockets_are_for_checks_that_are_made() {
    let (mut desk, all) = (Desk::default(), All::default());
    let refused = desk.open(DoorId(0), door(), &all).await.expect_err("nothing is checked");
    assert_eq!(refused, "no check goes there");
    desk.note_order(&Order::Start(CheckId(1), Box::new(job())));
    desk.note_order(&Order::Start(CheckId(2), Box::new(job())));
    let unmarked = Lead { mark: None, ..door().lead };
    for other in [
        Door { real: "127.0.0.1:81".parse().unwrap(), ..door() },
        Door { path: Some(VipPath { vip: "10.0.0.41".parse().unwrap(), ..PATH }), ..door() },
        Door { path: Some(VipPath { tunnel: Some(Tunnel::default()), ..PATH }), ..door() },
        Door { transport: Transport::Ping, ..door() },
        Door { lead: unmarked, ..door() },
    ] {
        let refused = desk.open(DoorId(0), other.clone(), &all).await.expect_err("not its own");
        assert_eq!(refused, "no check goes there", "{other:?}");
    }
    for fits in [door(), Door { path: None, ..door() }] {
        desk.open(DoorId(0), fits, &all).await.expect("its own");
        desk.close(DoorId(0));
    }
    desk.note_order(&Order::Stop(CheckId(1)));
    desk.open(DoorId(1), door(), &all).await.expect("the other one is still made");
    desk.note_order(&Order::Stop(CheckId(2)));
    desk.open(DoorId(2), door(), &all).await.expect_err("no more");
    assert!(desk.permits.is_empty() && desk.checks.is_empty());
}

#[tokio::test]
async fn a_test_has_its_sockets_until_it_is_over() {
    let (mut desk, all) = (Desk::default(), All::default());
    desk.note_order(&Order::Test(TestId(1), Box::new(job())));
    desk.open(DoorId(0), door(), &all).await.expect("its own");
    let (outcome, took, steps) = (Outcome::Passed, Duration::ZERO, Vec::new());
    desk.note_finding(&Finding::Tested { id: TestId(1), outcome, took, steps });
    desk.open(DoorId(1), door(), &all).await.expect_err("it is over");
    for number in 0..1_000 {
        desk.note_order(&Order::Test(TestId(number), Box::new(job())));
    }
    assert_eq!(desk.tests.len(), TESTS, "a probe that ends no test");
}

#[tokio::test]
async fn ways_are_closed_and_numbers_are_used_once() {
    let (mut desk, all) = (Desk::default(), All::default());
    desk.note_order(&Order::Start(CheckId(1), Box::new(job())));
    desk.open(DoorId(5), door(), &all).await.expect("its own");
    desk.open(DoorId(6), door(), &all).await.expect("its own");
    desk.open(DoorId(6), door(), &all).await.expect_err("that number is taken");
    assert_eq!(all.0.load(Ordering::Relaxed), 2);
    desk.close(DoorId(5));
    desk.close(DoorId(5));
    assert_eq!(all.0.load(Ordering::Relaxed), 1);
    drop(desk);
    assert_eq!(all.0.load(Ordering::Relaxed), 0, "with the probe all ways end");
}
