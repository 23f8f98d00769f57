//! Where everything is, looked at again: routes and addresses of a host change under a running agent.

use tracing::{info, warn};

use super::{placement::Placement, run::Agent, start::place_added};

/// How the warning begins that this room gives.
const LOST: &str = "the way to the real servers: ";

impl Agent {
    /// Asks the kernel again where everything is. What does not fit any more is reported, and stays as it was.
    pub(super) async fn look_around(&mut self) {
        self.warnings.retain(|warning| !warning.starts_with(LOST));
        let mut placement = match Placement::of(&self.parsed, &self.netlink).await {
            Ok(placement) => placement,
            Err(error) => {
                warn!(%error, "the way to the real servers stays as it was");
                self.warnings.push(format!("{LOST}{error}"));
                return;
            }
        };
        let operator = self.director.operator.clone();
        place_added(&operator, &mut placement, &self.parsed, &self.netlink).await;
        // An interface that was made anew has no program yet: that takes a reload.
        let indices = |of: &Placement| of.interfaces.iter().map(|i| i.index).collect::<Vec<_>>();
        if indices(&placement) != indices(&self.director.placement) {
            return;
        }
        if placement.places != self.director.placement.places {
            info!("the way to some real servers has changed");
        }
        self.keep_hops(&placement);
        self.director.placement = placement;
        self.follow_neighbours();
        self.forget_next_hops().await;
    }

    /// Real servers that are reached by another neighbour in `next` go on by the one they have until the new
    /// one is resolved.
    pub(super) fn keep_hops(&mut self, next: &Placement) {
        let director = &mut self.director;
        for (address, place) in &director.placement.places {
            let moved = next.places.get(address).is_some_and(|new| new.key != place.key);
            let hop = director.placement.next_hop(place, &self.neighbours);
            if let Some(hop) = hop.filter(|_| moved) {
                director.left_hops.insert(*address, hop);
            }
        }
    }

    /// Resolves the neighbours that are needed.
    pub(super) fn follow_neighbours(&mut self) {
        let placement = &self.director.placement;
        for key in placement.neighbours(&self.director.effective.config) {
            if let Some(segment) = placement.segment(key.interface) {
                self.neighbours.want(segment, key.address);
            }
        }
    }

    /// Gives up the neighbours that nobody needs any more.
    pub(super) async fn forget_next_hops(&mut self) {
        let used = self.director.placement.neighbours(&self.director.effective.config);
        let all = self.neighbours.iter().map(|(key, _)| key);
        let gone: Vec<_> = all.filter(|key| !used.contains(key)).collect();
        for key in gone {
            self.neighbours.forget(key).await;
        }
    }
}
