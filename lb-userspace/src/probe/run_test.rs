//! The loop on the loopback.

use crate::probe::NoDoors;
use tokio::{net::TcpListener, time::timeout};

use super::{super::check::tests::job, *};
use crate::model::CheckKind;

async fn next(findings: &mut mpsc::Receiver<Finding>) -> (CheckId, Outcome) {
    let finding = timeout(Duration::from_secs(5), findings.recv()).await.expect("in time");
    let Some(Finding::Result { id, outcome, .. }) = finding else { panic!("{finding:?}") };
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

#[tokio::test]
async fn a_test_tells_each_step() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (orders, heard) = mpsc::channel(4);
    let (said, mut findings) = mpsc::channel(1);
    let probe = tokio::spawn(run(heard, said, 1, Arc::new(NoDoors)));
    let mut tested = async |id| {
        let order = Order::Test(TestId(id), Box::new(job(CheckKind::Tcp, address)));
        orders.send(order).await.expect("it listens");
        let finding = timeout(Duration::from_secs(5), findings.recv()).await.expect("in time");
        let Some(Finding::Tested { id, outcome, steps, .. }) = finding else {
            panic!("{finding:?}")
        };
        (id, outcome, steps)
    };
    let (id, outcome, steps) = tested(7).await;
    assert_eq!((id, outcome), (TestId(7), Outcome::Passed));
    let words: Vec<_> = steps.iter().map(|step| step.words.as_str()).collect();
    let [connects, connected] = words[..] else { panic!("{words:?}") };
    assert_eq!(connects, format!("connects to {address}"));
    assert!(connected.starts_with("connected, from 127.0.0.1:"), "{connected}");
    assert!(steps.is_sorted_by_key(|step| step.at));
    drop(listener);
    let (id, outcome, steps) = tested(8).await;
    let refused = Outcome::Failed("connection refused".to_owned());
    assert_eq!((id, outcome, steps.len()), (TestId(8), refused, 1));
    drop(orders);
    probe.await.expect("it ends when nobody gives orders");
}
