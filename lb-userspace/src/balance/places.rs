//! Which cell of the shared memory a server has: the same one for as long as it is configured, and for nobody else
//! before its last connection has ended.

use std::collections::BTreeMap;

use super::server::Place;

/// Who has which place. The agent keeps it, and tells workers of every generation the same.
#[derive(Clone, Debug)]
pub struct Places<K> {
    size: u16,
    owners: BTreeMap<K, Place>,
    /// Places of servers that are gone.
    retired: Vec<Place>,
    /// From here on nobody has had one.
    fresh: u16,
}

/// There is no cell left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no room to count more than {size} servers, of which {retired} are gone and still have connections"
)]
pub struct PlacesFull {
    size: u16,
    retired: usize,
}

impl<K: Ord + Clone> Places<K> {
    /// For so many cells.
    #[must_use]
    pub const fn new(size: u16) -> Self {
        Self { size, owners: BTreeMap::new(), retired: Vec::new(), fresh: 0 }
    }

    /// Takes the servers of a new configuration. `is_idle`: nothing is held there, nobody waits.
    ///
    /// # Errors
    /// Too few cells; then nothing has changed.
    pub fn assign(
        &mut self,
        servers: &[K],
        is_idle: impl Fn(Place) -> bool,
    ) -> Result<(), PlacesFull> {
        let mut next = self.clone();
        let gone = next.owners.extract_if(.., |key, _| !servers.contains(key));
        let gone: Vec<_> = gone.map(|(_, place)| place).collect();
        next.retired.extend(gone);
        for key in servers {
            if !next.owners.contains_key(key) {
                let place = next.free(&is_idle)?;
                next.owners.insert(key.clone(), place);
            }
        }
        *self = next;
        Ok(())
    }

    /// That of a server.
    #[must_use]
    pub fn of(&self, key: &K) -> Option<Place> {
        self.owners.get(key).copied()
    }

    /// Everybody who has one.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.owners.keys()
    }

    fn free(&mut self, is_idle: impl Fn(Place) -> bool) -> Result<Place, PlacesFull> {
        if self.fresh < self.size {
            self.fresh += 1;
            return Ok(Place(self.fresh - 1));
        }
        let idle = self.retired.iter().position(|place| is_idle(*place));
        let full = PlacesFull { size: self.size, retired: self.retired.len() };
        idle.map(|index| self.retired.remove(index)).ok_or(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_and_not_given_on_while_it_is_in_use() {
        let mut places = Places::new(3);
        let all = |places: &Places<char>| {
            ['a', 'b', 'c', 'd'].map(|key| places.of(&key).map(|place| place.0))
        };
        places.assign(&['a', 'b'], |_| true).unwrap();
        assert_eq!(all(&places), [Some(0), Some(1), None, None]);
        places.assign(&['c', 'b'], |_| true).unwrap();
        assert_eq!(all(&places), [None, Some(1), Some(2), None]);
        // That of `a` still has connections.
        let full = places.assign(&['b', 'c', 'd'], |place| place.0 != 0).unwrap_err();
        assert_eq!(full, PlacesFull { size: 3, retired: 1 });
        assert_eq!(all(&places), [None, Some(1), Some(2), None]);
        places.assign(&['b', 'c', 'd'], |place| place.0 == 0).unwrap();
        assert_eq!(all(&places), [None, Some(1), Some(2), Some(0)]);
    }
}
