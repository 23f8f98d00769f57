//! A pool's rings: who owns each slot now, who did when the window opened, and which slots have moved since.

/// A real server, by the number in its name.
pub(super) type Real = u16;

/// The owner of each slot; `None`: nobody.
pub(super) type Ring = Vec<Option<Real>>;

/// Where a flow's hash stands on every ring: as a share of 2^32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) u32);

impl Place {
    /// What a ring holds there.
    fn on<T: Copy>(self, ring: &[T]) -> T {
        let slot = (u64::from(self.0) * ring.len() as u64) >> u32::BITS;
        ring[usize::try_from(slot).expect("a slot")]
    }
}

/// The rings of one pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Rings {
    /// The ring from before the window opened, while one is open.
    base: Option<Ring>,
    /// The ring in force: what is new follows it.
    current: Ring,
    /// Slots of the ring in force that have moved.
    moved: Vec<bool>,
}

/// What a new ring has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Brought {
    /// It is the old one.
    Nothing,
    /// No slot has moved: no flow can be anywhere else than where it says.
    Ring,
    /// A window has opened.
    Window,
    /// The window that is open has got another ring.
    Overlap,
    /// Connections go where they are counted, and every one is noted.
    Counted,
    /// They are counted no more, and every slot has moved: they are where they were counted.
    Uncounted,
}

impl Rings {
    /// Puts a ring in force. The first change opens a window; later ones replace the current ring alone.
    ///
    /// A slot has moved where another real server had any of its hashes when the window opened (where nobody
    /// served, there are no flows to look after), or where any of them has moved before in this window.
    ///
    /// While a scheduler counts, nothing moves: every flow is noted. When it does so no more, everything has.
    pub(super) fn install(&mut self, next: Ring, counted: bool, counts: bool) -> Brought {
        if next == self.current && counted == counts {
            return Brought::Nothing;
        }
        let overlap = self.base.is_some();
        if counted && counts && !overlap {
            self.moved = vec![false; next.len()];
            self.current = next;
            return Brought::Counted;
        }
        let base = self.base.clone().unwrap_or_else(|| self.current.clone());
        let moved = |slot: usize| {
            let another = |before: &Option<Real>| before.is_some() && *before != next[slot];
            shared(&base, slot, next.len()).iter().any(another)
                || shared(&self.moved, slot, next.len()).contains(&true)
        };
        self.moved = (0..next.len()).map(|slot| counted && !counts || moved(slot)).collect();
        self.current = next;
        if counted && !counts {
            self.base = Some(base);
            return Brought::Uncounted;
        }
        self.base = self.moved.contains(&true).then_some(base);
        match (&self.base, overlap) {
            (None, _) => Brought::Ring,
            (Some(_), false) => Brought::Window,
            (Some(_), true) => Brought::Overlap,
        }
    }

    /// Closes the window: everything follows the ring in force.
    pub(super) fn close(&mut self) {
        self.base = None;
        self.moved.fill(false);
    }

    /// True while a window is open.
    pub(super) const fn open(&self) -> bool {
        self.base.is_some()
    }

    /// The ring in force.
    pub(super) const fn in_force(&self) -> &Ring {
        &self.current
    }

    /// True where flows may be at different real servers.
    pub(super) fn moved(&self, place: Place) -> bool {
        place.on(&self.moved)
    }

    /// Whose a flow is that begins now.
    pub(super) fn current(&self, place: Place) -> Option<Real> {
        place.on(&self.current)
    }

    /// Whose a flow is that is older than the window.
    pub(super) fn base(&self, place: Place) -> Option<Real> {
        place.on(self.base.as_ref().unwrap_or(&self.current))
    }
}

/// The slots of `ring` that have hashes in common with slot `slot` of a ring of `slots`: slot s has the hashes
/// from s / slots to (s + 1) / slots of the whole.
fn shared<T>(ring: &[T], slot: usize, slots: usize) -> &[T] {
    &ring[slot * ring.len() / slots..((slot + 1) * ring.len()).div_ceil(slots)]
}
