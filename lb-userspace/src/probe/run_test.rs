//! The loop on the loopback.

use crate::probe::NoDoors;
use tokio::{net::TcpListener, time::timeout};

use super::{super::check::tests::job, *};
use crate::model::CheckKind;

async fn next(findings: &mut mpsc::Receiver<Finding>) -> (CheckId, Outcome) {
    let finding = timeout(Duration::from_secs(5), findings.recv()).await.expect("in time");
    let Finding::Result { id, outcome, .. } = finding.expect("a finding");
    (id, outcome)
}

#[tokio::test]
async fn checks_go_on_until_they_are_stopped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (orders, heard) = mpsc::channel(4);
    let (said, mut findings) = mpsc::channel(1);
    let probe = tokio::spawn(run(heard, said, 1, Arc::new(NoDoors)));
    let first = CheckId::default();
    let second = first.next();
    let order =
        |id| Order::Start(id, Box::new(job(CheckKind::Tcp, listener.local_addr().unwrap())));
    orders.send(order(first)).await.expect("it listens");
    for _ in 0..3 {
        assert_eq!(next(&mut findings).await, (first, Outcome::Passed));
    }
    orders.send(order(second)).await.expect("it listens");
    while next(&mut findings).await.0 != second {}
    orders.send(Order::Stop(first)).await.expect("it listens");
    // What was found before it heard of that may still be on its way.
    while next(&mut findings).await.0 != second {}
    for _ in 0..3 {
        assert_eq!(next(&mut findings).await.0, second);
    }
    drop(orders);
    probe.await.expect("it ends when nobody gives orders");
}
