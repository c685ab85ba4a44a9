//! Queues of slots, linked through the slots themselves: anything leaves in one step.

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// The neighbours of a slot in its queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    before: u32,
    after: u32,
}

/// A queue. All queues share one table of links; a slot is in one of them at most.
#[derive(Debug)]
pub(crate) struct Ring {
    first: u32,
    last: u32,
    len: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self { before: NONE, after: NONE }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl Ring {
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn push_back(&mut self, links: &mut [Link], slot: u32) {
        links[slot as usize] = Link { before: self.last, after: NONE };
        match self.last {
            NONE => self.first = slot,
            last => links[last as usize].after = slot,
        }
        self.last = slot;
        self.len += 1;
    }

    pub fn pop_front(&mut self, links: &mut [Link]) -> Option<u32> {
        let slot = self.first;
        (slot != NONE).then(|| {
            self.remove(links, slot);
            slot
        })
    }

    /// Takes out a slot that is in it.
    pub fn remove(&mut self, links: &mut [Link], slot: u32) {
        let Link { before, after } = std::mem::take(&mut links[slot as usize]);
        match before {
            NONE => self.first = after,
            before => links[before as usize].after = after,
        }
        match after {
            NONE => self.last = before,
            after => links[after as usize].before = before,
        }
        self.len -= 1;
    }
}
