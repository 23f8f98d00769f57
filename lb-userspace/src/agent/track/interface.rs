//! Whether an interface is switched on and has a carrier.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::board::{Board, Finding};
use crate::{
    agent::netlink::{Error, Event, Events, Netlink},
    model::{InterfaceName, Name},
    vrrp::track::Reading,
};

/// How long to wait where the kernel does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows what the kernel announces until the task is ended.
pub(super) async fn watch(name: Name, interface: InterfaceName, board: Arc<Board>) {
    loop {
        if let Err(error) = follow(&name, interface.as_str(), &board).await {
            let reason = format!("its state is not known: {error}");
            board.put(&name, Finding { reading: Reading::Down, reason, said: None });
        }
        sleep(PAUSE).await;
    }
}

/// Returns when there are no more announcements.
async fn follow(name: &Name, interface: &str, board: &Board) -> Result<(), Error> {
    // First listen, then look: nothing is missed in between.
    let mut events = Netlink::subscribe()?;
    let netlink = Netlink::connect()?;
    loop {
        let (finding, index) = look(&netlink, interface).await?;
        board.put(name, finding);
        if !concerned(&mut events, interface, index).await {
            return Ok(());
        }
    }
}

/// Waits for an announcement about the interface; false where there will be none. One that gets another name is known
/// by its index.
async fn concerned(events: &mut Events, interface: &str, index: Option<u32>) -> bool {
    while let Some(event) = events.next().await {
        match event {
            Event::Lost => return true,
            Event::Link { index: changed, name, .. } | Event::LinkGone { index: changed, name }
                if name == interface || Some(changed) == index =>
            {
                return true;
            }
            Event::Link { .. }
            | Event::LinkGone { .. }
            | Event::Neighbour(_)
            | Event::NeighbourGone { .. } => {}
        }
    }
    false
}

async fn look(netlink: &Netlink, interface: &str) -> Result<(Finding, Option<u32>), Error> {
    let (reading, reason, index) = match netlink.interface(interface).await {
        Ok(found) if found.running => (Reading::Up, "has a carrier", Some(found.index)),
        Ok(found) if found.up => (Reading::Down, "has no carrier", Some(found.index)),
        Ok(found) => (Reading::Down, "is switched off", Some(found.index)),
        Err(Error::NoInterface { .. }) => (Reading::Down, "does not exist", None),
        Err(error) => return Err(error),
    };
    Ok((Finding { reading, reason: format!("{interface} {reason}"), said: None }, index))
}
