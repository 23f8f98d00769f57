//! The probe as a process of its own: shut in, with one socket to the agent.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{
    runtime,
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    doorbell::Doorbell,
    message::{FromProbe, Order, ToProbe},
    run, tls,
};
use crate::{
    ipc::{Identity, LARGEST, Packets, Post, split},
    sandbox::{self, Role},
};

/// Checks under way at a time; each has a socket.
const CHECKS_AT_ONCE: usize = 8_192;
/// Words between the loop and the socket that wait.
const QUEUE: usize = 256;
/// How often it says that it is alive, whatever else there is to say.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// How long a finding waits for others: each packet wakes the agent.
const GATHERING: Duration = Duration::from_millis(1);

/// Is the probe until the agent is gone.
///
/// # Errors
/// It could not be shut in, or has no agent.
pub fn process(identity: Identity) -> Result<ExitCode> {
    let socket = Packets::at_stdin()?;
    // The last files that it reads.
    tls::load_authorities();
    // It opens sockets of its own for signals.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let enclosure = sandbox::give_up(identity)?;
    sandbox::shut_in(Role::Probe)?;
    tracing::info!(user = identity.uid, "the probe is shut in: {enclosure}");
    // As a task of its own: what wakes the future that the runtime blocks on takes a system call each time.
    let ended = runtime.block_on(async { tokio::spawn(serve(Post::new(socket)?)).await? });
    ended.context("speaking with the agent")?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn serve(post: Post) -> io::Result<()> {
    let (orders, heard) = mpsc::channel(QUEUE);
    let (said, findings) = mpsc::channel(QUEUE);
    // Bounded by the checks under way: each asks for a socket at a time.
    let (rings, asked) = mpsc::unbounded_channel();
    let doorbell = Arc::new(Doorbell::new(rings));
    let opener = Arc::clone(&doorbell);
    tokio::select! {
        result = hear(&post, &orders, &doorbell) => result,
        result = say(&post, findings, asked) => result,
        () = run(heard, said, CHECKS_AT_ONCE, opener) => Ok(()),
    }
}

/// Passes on what the agent says, until it is gone.
async fn hear(post: &Post, orders: &mpsc::Sender<Order>, doorbell: &Doorbell) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    while let Some((messages, descriptors)) = post.messages(&mut buffer).await? {
        let mut descriptors = descriptors.into_iter();
        for message in messages {
            match message {
                ToProbe::Order(order) => {
                    if orders.send(order).await.is_err() {
                        return Ok(());
                    }
                }
                ToProbe::Opened(number) => doorbell.answer(number, descriptors.next()),
                ToProbe::Refused(number, words) => doorbell.refuse(number, words),
            }
        }
    }
    Ok(())
}

/// Says what there is to say, what comes together in one packet.
async fn say(
    post: &Post,
    mut findings: mpsc::Receiver<super::Finding>,
    mut asked: mpsc::UnboundedReceiver<FromProbe>,
) -> io::Result<()> {
    let mut alive = interval(SIGN_OF_LIFE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut many = Vec::with_capacity(QUEUE);
    loop {
        let mut messages = Vec::new();
        tokio::select! {
            count = asked.recv_many(&mut messages, QUEUE) => if count == 0 { return Ok(()) },
            count = findings.recv_many(&mut many, QUEUE) => {
                if count == 0 {
                    return Ok(());
                }
                sleep(GATHERING).await;
                while many.len() < QUEUE && let Ok(more) = findings.try_recv() {
                    many.push(more);
                }
                messages.extend(many.drain(..).map(FromProbe::Finding));
            }
            _ = alive.tick() => messages.push(FromProbe::Alive),
        }
        for packet in split(messages) {
            post.send(&packet, &[]).await?;
        }
    }
}
