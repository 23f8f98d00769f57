//! Between the checks and the probe's process: orders go out, findings and wishes come in.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::{
    sync::{Mutex, mpsc},
    time::{MissedTickBehavior, interval},
};
use tracing::warn;

use super::desk::Desk;
use crate::{
    agent::prober::{Connection, Prober},
    health::Outcome,
    ipc::{LARGEST, Post, split},
    probe::{Finding, FromProbe, Opener, Order, SIGN_OF_LIFE, Step, ToProbe},
};

/// Words between both sides that wait.
const QUEUE: usize = 256;
/// Answers that wait for a probe to take them. One that asks for more and takes none is up to something.
const ANSWERS: usize = 16_384;
/// Sockets that go beside one packet.
const BESIDE: usize = 32;
/// Signs of life that may be missing.
const SILENCES: u32 = 5;
/// The most of what a probe says that is kept: what it says, strangers may have said to it.
const LONGEST: usize = 400;
const STEPS: usize = 64;

/// Speaks with a probe until it is gone. True where it is there and says nothing.
pub(super) async fn converse(post: &Post, prober: &Prober, opener: &dyn Opener) -> bool {
    let (orders, told) = mpsc::channel(QUEUE);
    let (said, findings) = mpsc::channel(QUEUE);
    prober.connect(Connection { orders, findings });
    let desk = Mutex::default();
    let silences = AtomicU32::new(0);
    let (answer, answers) = mpsc::channel(ANSWERS);
    let result = tokio::select! {
        result = hear(post, (&desk, opener), &silences, &said, &answer) => result,
        result = say(post, &desk, told, answers) => result,
        () = silence(&silences) => return true,
    };
    if let Err(error) = result {
        warn!("the conversation with the probe has ended: {error}");
    }
    false
}

type Answer = (ToProbe, Option<OwnedFd>);

async fn hear(
    post: &Post,
    (desk, opener): (&Mutex<Desk>, &dyn Opener),
    silences: &AtomicU32,
    said: &mpsc::Sender<Finding>,
    answer: &mpsc::Sender<Answer>,
) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    while let Some((messages, _)) = post.messages(&mut buffer).await? {
        silences.store(0, Ordering::Relaxed);
        for message in messages {
            match message {
                FromProbe::Finding(finding) => {
                    desk.lock().await.note_finding(&finding);
                    if said.send(bounded(finding)).await.is_err() {
                        return Ok(());
                    }
                }
                FromProbe::Open(number, door) => {
                    let answered = match desk.lock().await.open(number, door, opener).await {
                        Ok(socket) => (ToProbe::Opened(number), Some(socket)),
                        Err(words) => (ToProbe::Refused(number, words), None),
                    };
                    // It does not wait: nobody would hear what else the probe says.
                    if answer.try_send(answered).is_err() {
                        return Err(io::Error::other("it asks for sockets and takes none"));
                    }
                }
                FromProbe::Close(number) => desk.lock().await.close(number),
                FromProbe::Alive => {}
            }
        }
    }
    Ok(())
}

async fn say(
    post: &Post,
    desk: &Mutex<Desk>,
    mut told: mpsc::Receiver<Order>,
    mut answers: mpsc::Receiver<Answer>,
) -> io::Result<()> {
    let (mut orders, mut some) = (Vec::with_capacity(QUEUE), Vec::with_capacity(BESIDE));
    loop {
        tokio::select! {
            count = told.recv_many(&mut orders, QUEUE) => {
                if count == 0 {
                    return Ok(());
                }
                {
                    let mut desk = desk.lock().await;
                    orders.iter().for_each(|order| desk.note_order(order));
                }
                for packet in split(orders.drain(..).map(ToProbe::Order)) {
                    post.send(&packet, &[]).await?;
                }
            }
            count = answers.recv_many(&mut some, BESIDE) => {
                if count == 0 {
                    return Ok(());
                }
                let (messages, sockets): (Vec<_>, Vec<_>) = some.drain(..).unzip();
                let sockets: Vec<_> = sockets.into_iter().flatten().collect();
                let beside: Vec<_> = sockets.iter().map(OwnedFd::as_fd).collect();
                for packet in split(messages) {
                    post.send(&packet, &beside).await?;
                }
            }
        }
    }
}

/// Waits until it has been silent for too long. A host that stood still has not listened either: its time counts once.
async fn silence(silences: &AtomicU32) {
    let mut tick = interval(SIGN_OF_LIFE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while silences.fetch_add(1, Ordering::Relaxed) <= SILENCES {
        tick.tick().await;
    }
}

/// What a probe says that strangers have got hold of could be long, and could speak to terminals.
fn bounded(finding: Finding) -> Finding {
    match finding {
        Finding::Result { id, outcome, took } => {
            Finding::Result { id, outcome: bounded_outcome(outcome), took }
        }
        Finding::Tested { id, outcome, took, steps } => {
            let steps = steps.into_iter().take(STEPS);
            let steps = steps.map(|step| Step { at: step.at, words: bounded_words(step.words) });
            let outcome = bounded_outcome(outcome);
            Finding::Tested { id, outcome, took, steps: steps.collect() }
        }
    }
}

fn bounded_outcome(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(words) => Outcome::Failed(bounded_words(words)),
        Outcome::Inconclusive(words) => Outcome::Inconclusive(bounded_words(words)),
        Outcome::Passed | Outcome::Advised(_) => outcome,
    }
}

fn bounded_words(words: String) -> String {
    if words.len() <= LONGEST && !words.contains(char::is_control) {
        return words;
    }
    let tame = |letter: char| if letter.is_control() { ' ' } else { letter };
    words.chars().take(LONGEST).map(tame).collect()
}

#[cfg(test)]
#[path = "bridge_test.rs"]
mod tests;
