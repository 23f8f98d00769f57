//! Accepting clients, as many as there may be.

use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::context::Context;
use super::frontend::{Door, Frontend, Guest};
use super::stop::Phase;

/// When descriptors or memory have run out: the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the thread drains.
pub(super) async fn accept(
    context: Rc<Context>,
    frontend: Rc<Frontend>,
    listener: TcpListener,
    mut phase: watch::Receiver<Phase>,
) {
    let door = Rc::clone(&frontend.door);
    let pause = context.timers.timer();
    loop {
        let stream = tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase != Phase::Running) => return,
            stream = next(&listener, &door, frontend.settings.most_connections) => stream,
        };
        match stream {
            Some(stream) => {
                let guest = Guest::new(&context, &door);
                let frontend = Rc::clone(&frontend);
                let context = Rc::clone(&context);
                tokio::task::spawn_local(async move {
                    let _guest = guest;
                    frontend.serve(context, stream).await;
                });
            }
            None => {
                pause.set(PAUSE);
                pause.expired().await;
            }
        }
    }
}

/// `None`: it is not possible now.
async fn next(listener: &TcpListener, door: &Door, most: usize) -> Option<TcpStream> {
    door.room(most).await;
    listener.accept().await.ok().map(|(stream, _)| stream)
}
