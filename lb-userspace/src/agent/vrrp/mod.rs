//! VRRP's shell: sockets, addresses and announcements, on a thread of its own.
//!
//! The thread has a runtime and a netlink connection of its own, and real-time priority where that is allowed: an
//! advertisement is not late because something else is slow.

mod announce;
mod handover;
mod holder;
mod instance;
mod judge;
mod report;
mod router;
mod segment;
mod socket;
mod waiting;
mod wanted;

use std::{io, thread};

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
};
use tracing::warn;

use self::holder::Place;
use self::router::{Command, Router};
pub(super) use self::{instance::Wanted, wanted::wanted};
use super::{notify::Notices, track::Findings};
use crate::{api::VrrpStatus, model::Name};

/// Commands on their way.
const COMMANDS: usize = 16;
/// Among the real-time priorities (1 to 99): above what administrators give to their own, below the kernel's
/// watchdogs.
const PRIORITY: u8 = 50;

/// The thread.
#[derive(Debug)]
pub(super) struct Vrrp {
    commands: mpsc::Sender<Command>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Vrrp {
    /// Starts the thread with these instances, which follow what trackers find, and whose transitions are told.
    ///
    /// # Errors
    /// A socket that cannot be opened, or no thread.
    pub(super) async fn start(
        wanted: Vec<Wanted>,
        findings: watch::Receiver<Findings>,
        notices: Notices,
    ) -> io::Result<Self> {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (started, outcome) = oneshot::channel();
        let thread = thread::Builder::new().name("vrrp".to_owned()).spawn(move || {
            hurry();
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    _ = started.send(Err(error));
                    return;
                }
            };
            runtime.block_on(async {
                match Router::start(wanted, findings, notices) {
                    Ok(router) => {
                        _ = started.send(Ok(()));
                        router.run(received).await;
                    }
                    Err(error) => _ = started.send(Err(error)),
                }
            });
        })?;
        outcome.await.unwrap_or_else(|_| Err(gone()))?;
        Ok(Self { commands, thread: Some(thread) })
    }

    /// How every instance stands.
    pub(super) async fn report(&self) -> Vec<VrrpStatus> {
        let (reply, answer) = oneshot::channel();
        // A thread that has ended has nothing to tell.
        let _ = self.commands.send(Command::Report(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Gives the VIPs of an instance to another director, or takes them.
    ///
    /// # Errors
    /// Why that cannot be.
    pub(super) async fn move_vips(&self, name: Name, take: bool) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Move { name, take, reply }).await;
        answer.await.unwrap_or_else(|_| Err(gone().to_string()))
    }

    /// Has other instances from now on; those that stay as they are do not notice.
    ///
    /// # Errors
    /// A socket that cannot be opened: of what is new, nothing may be there then.
    pub(super) async fn replace(&self, wanted: Vec<Wanted>) -> io::Result<()> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Replace(wanted, reply)).await;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Gives up all VIPs, says so to the other directors, and ends the thread.
    pub(super) async fn stop(self) {
        self.end(Command::Stop).await;
    }

    /// Ends the thread as if it had died: the VIPs stay, nobody is told, and the leases are left to run out. An agent
    /// that comes before they have goes on as master; otherwise another director takes over, and the fence holds.
    pub(super) async fn leave(self) {
        self.end(Command::Leave).await;
    }

    async fn end(mut self, command: Command) {
        let _ = self.commands.send(command).await;
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the VRRP thread has ended")
}

/// Real-time priority: without it, advertisements are late when the machine is busy.
fn hurry() {
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let outcome = PRIORITY.try_into().and_then(|priority| {
        let priority = ThreadPriority::Crossplatform(priority);
        set_thread_priority_and_policy(thread_native_id(), priority, fifo)
            .map_err(|e| format!("{e:?}"))
    });
    if let Err(error) = outcome {
        warn!(
            error,
            "no real-time priority for VRRP: advertisements may be late when the CPUs are busy"
        );
    }
}
