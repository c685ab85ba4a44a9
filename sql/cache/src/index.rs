//! Which slot holds what, and which one goes next. No I/O, no waiting.
//!
//! ```text
//! away --open--> free --take--> filling --fill--> small, main --evict--> filling
//!                  ^-----------give back----------'  `--drop--> free, once nobody reads it
//! ```
//!
//! - N1: a slot that is read (pinned) is not given to a writer.
//! - N2: a block has one live slot at most.
//! - N3: the ghosts are at most as many as the slots.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::key::{BlockKey, ObjectKey, Span};
use crate::ring::{Link, Ring};

/// The part of the slots through which newcomers pass: 1 in so many.
const SMALL_SHARE: u32 = 10;
/// Reads after the first that make a newcomer stay.
const WANTED_TWICE: u8 = 2;
/// More reads than these do not count.
const WANTED_MAX: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// No file, or not looked at yet.
    Away,
    Free,
    Filling,
    Small,
    Main,
    /// Dropped while it was read.
    Leaving,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: BlockKey,
    span: Span,
    pins: u32,
    wanted: u8,
    stand: Stand,
}

/// What is known of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is there; the slot is pinned.
    Slot(u32, Span),
    /// Other bytes of it are.
    Other,
    Nothing,
}

/// See the module's header.
#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    links: Vec<Link>,
    blocks: BTreeMap<BlockKey, u32>,
    free: Vec<u32>,
    small: Ring,
    main: Ring,
    ghosts: BTreeSet<u64>,
    ghosts_by_age: VecDeque<u64>,
    /// Slots that are not `Away`.
    open: u32,
    bytes: u64,
    evictions: u64,
}

impl Index {
    /// Slots that hold something, their bytes, and evictions so far.
    pub fn figures(&self) -> (u64, u64, u64) {
        (self.blocks.len() as u64, self.bytes, self.evictions)
    }

    /// Slots from here to there exist, and wait to be opened.
    pub fn add(&mut self, slots: std::ops::Range<u32>) {
        let len = self.slots.len().max(slots.end as usize);
        let key = ObjectKey([0; 16]).block(0);
        let span = Span { from: 0, len: 0 };
        self.slots.resize(len, Slot { key, span, pins: 0, wanted: 0, stand: Stand::Away });
        self.links.resize(len, Link::default());
    }

    /// A slot that is away, and empty, may be written.
    pub fn open(&mut self, slot: u32) {
        self.set(slot, Stand::Free);
        self.open += 1;
        self.free.push(slot);
    }

    /// A slot that is away was found to hold a part of a block. Of two for one block the
    /// longer one stays (N2). Who was wanted is not known any more: all go into main.
    pub fn restore(&mut self, slot: u32, key: BlockKey, span: Span) {
        let before = self.blocks.get(&key).map(|slot| self.slots[*slot as usize].span.len);
        if before.is_some_and(|len| len >= span.len) {
            return self.open(slot);
        }
        self.set(slot, Stand::Filling);
        self.open += 1;
        self.place(slot, key, span, Stand::Main);
    }

    /// Looks a part of a block up; a hit pins the slot (N1).
    pub fn find(&mut self, key: BlockKey, wanted: Span) -> Found {
        let Some(&at) = self.blocks.get(&key) else { return Found::Nothing };
        let slot = &mut self.slots[at as usize];
        if !slot.span.covers(wanted) {
            return Found::Other;
        }
        slot.wanted = (slot.wanted + 1).min(WANTED_MAX);
        slot.pins += 1;
        Found::Slot(at, slot.span)
    }

    /// Ends what a hit began.
    pub fn unpin(&mut self, slot: u32) {
        let Some(at) = self.slots.get_mut(slot as usize) else { return };
        at.pins = at.pins.saturating_sub(1);
        if at.pins == 0 && at.stand == Stand::Leaving {
            self.free(slot);
        }
    }

    /// A slot to be filled: a free one.
    pub fn take(&mut self) -> Option<u32> {
        let slot = self.free.pop()?;
        self.set(slot, Stand::Filling);
        Some(slot)
    }

    /// A slot to be filled: the one that is wanted least.
    pub fn evict(&mut self) -> Option<u32> {
        // Each one passes at most once through small and `WANTED_MAX` times through main before
        // it goes; those that are pinned only pass.
        let passes = (u32::from(WANTED_MAX) + 2) * (self.small.len() + self.main.len());
        for _ in 0..passes {
            let is_small = self.small.len() * SMALL_SHARE >= self.open || self.main.len() == 0;
            let ring = if is_small { &mut self.small } else { &mut self.main };
            let at = ring.pop_front(&mut self.links)?;
            let slot = &mut self.slots[at as usize];
            let stays = match slot.stand {
                stand if slot.pins > 0 => Some(stand),
                Stand::Small if slot.wanted >= WANTED_TWICE => {
                    slot.wanted = 0;
                    Some(Stand::Main)
                }
                Stand::Main if slot.wanted > 0 => {
                    slot.wanted -= 1;
                    Some(Stand::Main)
                }
                _ => None,
            };
            match stays {
                Some(stand) => self.enter(at, stand),
                None => {
                    self.out(at, is_small);
                    return Some(at);
                }
            }
        }
        None
    }

    /// The slot holds a part of a block now; what held it before is dropped (N2).
    pub fn fill(&mut self, slot: u32, key: BlockKey, span: Span) {
        let is_back = self.ghosts.remove(&key.print());
        let was_main = self.blocks.get(&key).map(|old| self.slots[*old as usize].stand);
        let is_main = is_back || was_main == Some(Stand::Main);
        self.place(slot, key, span, if is_main { Stand::Main } else { Stand::Small });
    }

    /// A slot that was to be filled and was not.
    pub fn give_back(&mut self, slot: u32) {
        if self.slots.get(slot as usize).is_some_and(|at| at.stand == Stand::Filling) {
            self.free(slot);
        }
    }

    /// The slot does not hold what it should.
    pub fn drop_slot(&mut self, slot: u32, key: BlockKey) {
        if self.blocks.get(&key) == Some(&slot) {
            self.remove(key);
        }
    }

    /// Drops all blocks of an object.
    pub fn forget(&mut self, object: ObjectKey) {
        let blocks: Vec<BlockKey> = self.blocks.range(object.blocks()).map(|(k, _)| *k).collect();
        blocks.into_iter().for_each(|key| self.remove(key));
    }

    fn place(&mut self, slot: u32, key: BlockKey, span: Span, stand: Stand) {
        self.remove(key);
        let at = &mut self.slots[slot as usize];
        debug_assert!(at.stand == Stand::Filling && at.pins == 0, "N1: slot {slot} is {at:?}");
        (at.key, at.span, at.wanted) = (key, span, 0);
        self.bytes += u64::from(span.len);
        self.blocks.insert(key, slot);
        self.enter(slot, stand);
    }

    fn enter(&mut self, slot: u32, stand: Stand) {
        self.set(slot, stand);
        let ring = if stand == Stand::Small { &mut self.small } else { &mut self.main };
        ring.push_back(&mut self.links, slot);
    }

    /// A slot that has left its queue is filled with something else.
    fn out(&mut self, slot: u32, is_small: bool) {
        let Slot { key, span, .. } = self.slots[slot as usize];
        self.blocks.remove(&key);
        self.bytes -= u64::from(span.len);
        self.evictions += 1;
        self.set(slot, Stand::Filling);
        if is_small && self.ghosts.insert(key.print()) {
            self.ghosts_by_age.push_back(key.print());
        }
        while self.ghosts_by_age.len() > self.open as usize {
            if let Some(oldest) = self.ghosts_by_age.pop_front() {
                self.ghosts.remove(&oldest);
            }
        }
    }

    fn remove(&mut self, key: BlockKey) {
        let Some(slot) = self.blocks.remove(&key) else { return };
        let Slot { span, pins, stand, .. } = self.slots[slot as usize];
        self.bytes -= u64::from(span.len);
        let ring = if stand == Stand::Small { &mut self.small } else { &mut self.main };
        ring.remove(&mut self.links, slot);
        match pins {
            0 => self.free(slot),
            _ => self.set(slot, Stand::Leaving),
        }
    }

    fn free(&mut self, slot: u32) {
        self.set(slot, Stand::Free);
        self.free.push(slot);
    }

    fn set(&mut self, slot: u32, stand: Stand) {
        self.slots[slot as usize].stand = stand;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: 0, len: 10 };

    fn key(number: u32) -> BlockKey {
        ObjectKey([7; 16]).block(number)
    }

    fn index(slots: u32) -> Index {
        let mut index = Index::default();
        index.add(0..slots);
        (0..slots).for_each(|slot| index.open(slot));
        index
    }

    fn put(index: &mut Index, number: u32) {
        let slot = index.take().or_else(|| index.evict()).unwrap();
        index.fill(slot, key(number), SPAN);
    }

    fn read(index: &mut Index, number: u32) -> bool {
        match index.find(key(number), SPAN) {
            Found::Slot(slot, _) => index.unpin(slot),
            _ => return false,
        }
        true
    }

    #[test]
    fn a_scan_passes_through_a_tenth() {
        let mut index = index(100);
        (0..90).for_each(|number| put(&mut index, number));
        for _ in 0..2 {
            (0..90).for_each(|number| assert!(read(&mut index, number)));
        }
        (1000..3000).for_each(|number| put(&mut index, number));
        let stayed = (0..90).filter(|number| read(&mut index, *number)).count();
        assert_eq!(stayed, 90);
        assert!(index.ghosts.len() <= 100 && index.ghosts_by_age.len() <= 100, "N3");
    }

    #[test]
    fn what_is_read_again_soon_after_it_went_stays() {
        let mut index = index(100);
        (0..100).for_each(|number| put(&mut index, number));
        (100..150).for_each(|number| put(&mut index, number));
        assert!(!read(&mut index, 3), "one of the first went");
        put(&mut index, 3);
        (1000..1100).for_each(|number| put(&mut index, number));
        assert!(read(&mut index, 3), "it came back by the ghosts");
    }

    #[test]
    fn n1_a_slot_that_is_read_is_not_written() {
        let mut index = index(4);
        (0..4).for_each(|number| put(&mut index, number));
        let Found::Slot(held, _) = index.find(key(0), SPAN) else { panic!("it is there") };
        (10..20).for_each(|number| put(&mut index, number));
        assert!(read(&mut index, 0), "N1: it was held");
        index.forget(ObjectKey([7; 16]));
        let taken: Vec<u32> = std::iter::from_fn(|| index.take()).collect();
        assert!(taken.len() == 3 && !taken.contains(&held), "N1: {taken:?} has {held}");
        index.unpin(held);
        assert_eq!(index.take(), Some(held));
        assert_eq!((index.take(), index.evict()), (None, None));
        assert_eq!(index.figures().0, 0);
    }

    #[test]
    fn a_wider_part_takes_the_place_of_a_narrower_one() {
        let mut index = index(4);
        put(&mut index, 1);
        let wide = Span { from: 0, len: 100 };
        assert_eq!(index.find(key(1), wide), Found::Other);
        let slot = index.take().unwrap();
        index.fill(slot, key(1), wide);
        assert_eq!(index.find(key(1), wide), Found::Slot(slot, wide));
        assert_eq!((index.figures(), index.free.len()), ((1, 100, 0), 3), "N2");
    }
}
