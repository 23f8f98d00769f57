//! What a data thread serves: one configuration after the other, and those before it until their last connection ends.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use socket2::SockRef;
use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::accept::{Entrance, accept};
use super::context::Context;
use super::engine::{Engine, Phase};
use super::frontend::Frontend;
use super::orders::{Listening, Order, Orders};
use super::settings::Settings;
use super::shared::Shared;
use super::timers::TICK;

/// Of one thread.
pub(super) struct Hall {
    engine: Rc<Engine>,
    /// The configuration in force.
    context: Option<Rc<Context>>,
    fronts: Vec<Rc<Frontend>>,
    /// Configurations that some connections still go by.
    former: Vec<Rc<Context>>,
    entrances: BTreeMap<u32, Rc<Entrance>>,
}

impl Hall {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            engine: Engine::new(shared),
            context: None,
            fronts: Vec::new(),
            former: Vec::new(),
            entrances: BTreeMap::new(),
        }
    }

    pub(super) async fn serve(mut self, mut orders: Orders) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tick(),
                () = self.engine.shared.woken() => self.wake(),
                order = orders.recv() => match order {
                    Some(order) => self.follow(order),
                    // Nobody can tell it anything any more.
                    None => return,
                },
            }
            match self.engine.phase.get() {
                Phase::Stopping => return,
                Phase::Draining if self.engine.connections.get() == 0 => return,
                Phase::Running | Phase::Draining => {}
            }
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Configure(settings, listeners) => self.configure(&settings, listeners),
            Order::Members(pools) => {
                for (cell, members) in pools {
                    let all = self.contexts().flat_map(|context| &context.pools);
                    all.filter(|pool| pool.settings.cell == cell)
                        .for_each(|pool| pool.change(&members));
                }
                self.engine.settle();
            }
            Order::Drain => {
                self.engine.phase.set(Phase::Draining);
                self.close_all();
            }
            Order::Stop => self.engine.phase.set(Phase::Stopping),
        }
    }

    fn configure(&mut self, settings: &Settings, listeners: Vec<Listening>) {
        let before = self.context.take();
        let context = Context::new(&self.engine, settings, before.as_deref());
        let doors = |name: &str| {
            let front = self.fronts.iter().find(|front| &*front.settings.name == name);
            front.map(|front| Rc::clone(&front.door)).unwrap_or_default()
        };
        let services = settings.services.iter();
        let fronts: Vec<_> =
            services.map(|service| Frontend::new(service, doors(&service.name))).collect();
        let mut left = std::mem::take(&mut self.entrances);
        for Listening { number, service, socket } in listeners {
            let Some(front) = fronts.get(service) else { continue };
            let to = (Rc::clone(&context), Rc::clone(front));
            let known = left.remove(&number).inspect(|known| known.lead(to.clone()));
            let entrance = known.or_else(|| {
                let opened = socket.map(|socket| open(socket, to));
                opened?.inspect_err(|error| error!(service = &*front.settings.name, %error, "a socket cannot be used")).ok()
            });
            if let Some(entrance) = entrance {
                self.entrances.insert(number, entrance);
            }
        }
        left.into_values().for_each(|entrance| entrance.close());
        if let Some(before) = before {
            before.is_retired.set(true);
            self.former.push(before);
        }
        (self.context, self.fronts) = (Some(context), fronts);
        self.engine.settle();
    }

    fn close_all(&mut self) {
        std::mem::take(&mut self.entrances).into_values().for_each(|entrance| entrance.close());
    }

    fn contexts(&self) -> impl Iterator<Item = &Rc<Context>> {
        self.context.iter().chain(&self.former)
    }

    fn tick(&mut self) {
        self.engine.tick();
        self.former.retain(|context| context.connections.get() > 0);
        let now = self.engine.elapsed();
        self.contexts().flat_map(|context| &context.pools).for_each(|pool| pool.tick(now));
        self.engine.settle();
    }

    /// Another thread, or this one, has given a slot back that somebody here waits for.
    fn wake(&self) {
        self.contexts().flat_map(|context| &context.pools).for_each(|pool| pool.wake());
        self.engine.settle();
    }
}

/// Accepted connections inherit `TCP_NODELAY`. Without quick acknowledgements that of the first request rides on its
/// response: two segments less for a connection of one request.
fn open(socket: TcpListener, to: (Rc<Context>, Rc<Frontend>)) -> io::Result<Rc<Entrance>> {
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_quickack(false)?;
    let listener = tokio::net::TcpListener::from_std(socket)?;
    let entrance = Entrance::new(to);
    tokio::task::spawn_local(accept(Rc::clone(&entrance), listener));
    Ok(entrance)
}
