//! Links: what real servers in one VLAN of one interface have in common, numbered.

use std::{cell::Cell, time::Instant};

use lb_common::abi::{LINKS, Link, Real};

use super::{arena::REST, mmap::Words};
use crate::plan::NextHop;

/// Words of a link.
const WORDS: usize = size_of::<Link>() / 8;

/// The map of links.
#[derive(Debug)]
pub(super) struct LinkTable {
    words: Words,
    left: Left,
}

/// When a real server last left each number for another one.
type Left = Vec<Cell<Option<Instant>>>;

impl LinkTable {
    /// Number of words of the map.
    pub(super) const LENGTH: usize = LINKS as usize * WORDS;

    pub(super) fn new(words: Words) -> Self {
        Self { words, left: vec![Cell::default(); LINKS as usize] }
    }

    /// A link; the empty one where the number is none's.
    pub(super) fn get(&self, number: u16) -> Link {
        let at = usize::from(number) * WORDS;
        let word = |index| self.words.get(at + index).unwrap_or(0);
        Link::from_words([word(0), word(1)])
    }

    /// The number of the link that a next hop is behind. It is written where there was none like it: over one
    /// that no real server of `reals` names and that has rested until `now`, once every number was given out. `None`
    /// where all are in use or resting.
    pub(super) fn number_of(&self, hop: &NextHop, reals: &Words, now: Instant) -> Option<u16> {
        let NextHop { interface, vlan, source_mac, mtu, .. } = *hop;
        let link = Link { source_mac, mtu, interface, vlan, zero: 0 };
        for number in numbers() {
            let there = self.get(number);
            if there == link {
                return Some(number);
            }
            if there == Link::default() {
                self.put(number, &link);
                return Some(number);
            }
        }
        let mut named = vec![false; LINKS as usize];
        for word in (0..reals.len()).map_while(|index| reals.get(index)) {
            named[usize::from(Real::from_word(word).link())] = true;
        }
        let number = free(&named, &self.left, now)?;
        self.put(number, &link);
        Some(number)
    }

    /// A record that named `old` names `new` from `now` on. Packets may still be reading `old`.
    pub(super) fn moved(&self, old: u16, new: u16, now: Instant) {
        if old != new {
            self.left[usize::from(old)].set(Some(now));
        }
    }

    fn put(&self, number: u16, link: &Link) {
        let at = usize::from(number) * WORDS;
        for (index, word) in link.words().into_iter().enumerate() {
            self.words.set(at + index, word);
        }
    }
}

/// The first number that nobody names and that has rested.
fn free(named: &[bool], left: &Left, now: Instant) -> Option<u16> {
    numbers().find(|&number| {
        let rested =
            left[usize::from(number)].get().is_none_or(|since| now.duration_since(since) >= REST);
        !named[usize::from(number)] && rested
    })
}

/// All but the first, which is nowhere.
fn numbers() -> impl Iterator<Item = u16> {
    (1..).take_while(|&number| u32::from(number) < LINKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_rests_before_it_is_another_links() {
        let start = Instant::now();
        let left: Left = vec![Cell::default(); LINKS as usize];
        let mut named = vec![true; LINKS as usize];
        assert_eq!(free(&named, &left, start), None, "all are named");
        named[3] = false;
        left[3].set(Some(start));
        assert_eq!(free(&named, &left, start), None, "a packet may be reading it");
        assert_eq!(free(&named, &left, start + REST), Some(3));
        named[5] = false;
        assert_eq!(free(&named, &left, start), Some(5), "nobody has just left it");
    }
}
