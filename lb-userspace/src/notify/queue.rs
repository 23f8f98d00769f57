//! A queue with an end: when it is full, what has waited longest makes room.
//!
//! What came last says how things are; what has been overtaken is missed least.

use std::collections::VecDeque;

/// The queue.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    waiting: VecDeque<T>,
    most: usize,
}

impl<T> Queue<T> {
    /// With room for so many; at least one.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { waiting: VecDeque::new(), most }
    }

    /// Lines up at the end. Returns what had to make room.
    pub fn push(&mut self, what: T) -> Option<T> {
        let full = self.waiting.len() >= self.most;
        let dropped = if full { self.waiting.pop_front() } else { None };
        self.waiting.push_back(what);
        dropped
    }

    /// Takes what has waited longest.
    pub fn pop(&mut self) -> Option<T> {
        self.waiting.pop_front()
    }

    /// Puts something back to the front. Returns it where there is no room any more: nothing has waited longer.
    pub fn put_back(&mut self, what: T) -> Option<T> {
        if self.waiting.len() >= self.most {
            return Some(what);
        }
        self.waiting.push_front(what);
        None
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut queue = Queue::new(2);
        assert_eq!([queue.push(1), queue.push(2), queue.push(3)], [None, None, Some(1)]);
        assert_eq!((queue.len(), queue.is_empty()), (2, false));
        assert_eq!(queue.put_back(0), Some(0));
        assert_eq!(queue.pop(), Some(2));
        assert_eq!(queue.put_back(2), None);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(2), Some(3), None]);
        assert!(queue.is_empty());
    }
}
