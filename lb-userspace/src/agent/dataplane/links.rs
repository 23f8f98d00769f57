//! Links: what real servers in one VLAN of one interface have in common, numbered.

use lb_common::abi::{LINKS, Link, Real};

use super::mmap::Words;
use crate::plan::NextHop;

/// Words of a link.
const WORDS: usize = size_of::<Link>() / 8;

/// The map of links.
#[derive(Debug)]
pub(super) struct LinkTable {
    words: Words,
}

impl LinkTable {
    /// Number of words of the map.
    pub(super) const LENGTH: usize = LINKS as usize * WORDS;

    pub(super) const fn new(words: Words) -> Self {
        Self { words }
    }

    /// A link; the empty one where the number is none's.
    pub(super) fn get(&self, number: u16) -> Link {
        let at = usize::from(number) * WORDS;
        let word = |index| self.words.get(at + index).unwrap_or(0);
        Link::from_words([word(0), word(1)])
    }

    /// The number of the link that a next hop is behind. It is written where there was none like it: over one
    /// that no real server of `reals` names, once every number was given out. `None` where all are in use.
    pub(super) fn number_of(&self, hop: &NextHop, reals: &Words) -> Option<u16> {
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
        let number = numbers().find(|number| !named[usize::from(*number)])?;
        self.put(number, &link);
        Some(number)
    }

    fn put(&self, number: u16, link: &Link) {
        let at = usize::from(number) * WORDS;
        for (index, word) in link.words().into_iter().enumerate() {
            self.words.set(at + index, word);
        }
    }
}

/// All but the first, which is nowhere.
fn numbers() -> impl Iterator<Item = u16> {
    (1..).take_while(|&number| u32::from(number) < LINKS)
}
