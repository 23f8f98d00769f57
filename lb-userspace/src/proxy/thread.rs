//! One data thread, from its start to its end.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use socket2::SockRef;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::accept::accept;
use super::context::Context;
use super::frontend::Frontend;
use super::settings::Settings;
use super::shared::Shared;
use super::stop::{Phase, Stop};
use super::timers::TICK;

/// Serves until it is told to [`Stop`]. `listeners` listen already; each comes with the number of its service.
///
/// # Errors
/// The runtime cannot be made, or a listener belongs to no service or cannot be used.
pub fn run(
    settings: &Settings,
    listeners: Vec<(usize, TcpListener)>,
    shared: Shared,
    stop: &Stop,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    let context = Rc::new(Context::new(settings, shared));
    let phase = stop.watch();
    let fronts: Vec<_> = settings.services.iter().map(Frontend::new).collect();
    tasks.block_on(&runtime, async {
        for (number, listener) in listeners {
            let front = fronts.get(number).ok_or(io::ErrorKind::InvalidInput)?;
            let listener = prepare(listener)?;
            let (context, front) = (Rc::clone(&context), Rc::clone(front));
            tokio::task::spawn_local(accept(context, front, listener, phase.clone()));
        }
        tokio::task::spawn_local(wakes(Rc::clone(&context)));
        until_the_end(&context, phase).await;
        Ok(())
    })
}

/// Accepted connections inherit `TCP_NODELAY`. Without quick acknowledgements that of the first request rides on its
/// response: two segments less for a connection of one request.
fn prepare(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    let socket = SockRef::from(&listener);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_quickack(false)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Another thread, or this one, has given a slot back that somebody here waits for.
async fn wakes(context: Rc<Context>) {
    loop {
        context.shared.woken().await;
        for pool in &context.pools {
            pool.wake();
        }
        context.settle();
    }
}

async fn until_the_end(context: &Context, mut phase: watch::Receiver<Phase>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => context.tick(),
            Ok(()) = phase.changed() => context.phase.set(*phase.borrow_and_update()),
        }
        match context.phase.get() {
            Phase::Stopping => return,
            Phase::Draining if context.connections.get() == 0 => return,
            Phase::Running | Phase::Draining => {}
        }
    }
}
