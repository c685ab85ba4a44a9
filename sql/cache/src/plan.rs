//! Block by block: where a range's bytes come from.
//!
//! - P1: a part of a block that nothing is known of is fetched as it is; where other parts
//!   of the block are known, the whole block is.
//! - P2: a block is fetched by one reader at a time; the others wait for what he gets, once
//!   they have got what they fetch themselves. So nobody waits in a circle.

use std::ops::Range;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::index::Found;
use crate::key::{BlockKey, ObjectKey, Span};
use crate::shared::{Landing, Run, Shared, State};
use crate::slot::BLOCK;
use crate::status::add;

/// A range's part in one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub key: BlockKey,
    pub wanted: Span,
}

/// Where its bytes come from.
#[derive(Debug)]
pub(crate) enum Way {
    Slot(Pin),
    Memory(Run),
    Wait(Landing),
    Fetch(Fetch),
}

/// A slot that is being read (N1); let go when it is dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    shared: Arc<Shared>,
    pub slot: u32,
    pub span: Span,
}

/// A part of a block that is to be read of the bucket; its flight ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Fetch {
    shared: Arc<Shared>,
    pub key: BlockKey,
    pub span: Span,
    /// None: somebody else fetches another part of the block; what comes is not kept.
    flight: Option<(u64, oneshot::Sender<Run>)>,
}

/// The pieces of a range; nothing: it is too far out for us.
pub(crate) fn pieces(object: ObjectKey, range: &Range<u64>) -> Option<Vec<Piece>> {
    let size = BLOCK as u64;
    u32::try_from(range.end / size).ok()?;
    let piece = |block: u64| {
        let begin = block * size;
        let from = range.start.saturating_sub(begin) as u32;
        let to = (range.end - begin).min(size) as u32;
        let wanted = Span { from, len: to - from };
        Piece { key: object.block(block as u32), wanted }
    };
    Some((range.start / size..range.end.div_ceil(size)).map(piece).collect())
}

/// A way for each piece; counts hits and misses. Nothing: the cache is off.
pub(crate) fn plan(shared: &Arc<Shared>, pieces: &[Piece]) -> Option<Vec<Way>> {
    let mut state = shared.state.lock();
    if state.off.is_some() {
        return None;
    }
    let ways: Vec<Way> = pieces.iter().map(|piece| way(shared, &mut state, *piece)).collect();
    drop(state);
    let count = |is: fn(&Way) -> bool| ways.iter().filter(|way| is(way)).count() as u64;
    add(&shared.counts.misses, count(|way| matches!(way, Way::Fetch(_) | Way::Wait(_))));
    add(&shared.counts.shared, count(|way| matches!(way, Way::Wait(_))));
    Some(ways)
}

fn way(shared: &Arc<Shared>, state: &mut State, Piece { key, wanted }: Piece) -> Way {
    let shared = shared.clone();
    let waiting = state.waiting.get(&key);
    if let Some(waiting) = waiting.filter(|waiting| waiting.run.span().covers(wanted)) {
        return Way::Memory(waiting.run.clone());
    }
    let is_waiting = waiting.is_some();
    let found = state.index.find(key, wanted);
    if let Found::Slot(slot, span) = found {
        return Way::Slot(Pin { shared, slot, span });
    }
    match state.flights.get(&key) {
        Some(flight) if flight.span.covers(wanted) => Way::Wait(flight.landing.clone()),
        Some(_) => Way::Fetch(Fetch { shared, key, span: wanted, flight: None }),
        None => {
            let is_known = is_waiting || found == Found::Other;
            let span = if is_known { Span { from: 0, len: BLOCK as u32 } } else { wanted };
            let (sender, landing) = oneshot::channel();
            let number = state.depart(key, span, landing.shared());
            Way::Fetch(Fetch { shared, key, span, flight: Some((number, sender)) })
        }
    }
}

impl Fetch {
    /// It has come: for those who wait, and for the keeper.
    pub fn land(mut self, name: &Arc<str>, run: Run) {
        let Some((number, sender)) = self.flight.take() else { return };
        self.shared.keep(self.key, number, (name, &run));
        self.shared.state.lock().arrive(self.key, number);
        // Nobody may wait.
        let _ = sender.send(run);
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if let Some((number, _)) = self.flight.take() {
            self.shared.state.lock().arrive(self.key, number);
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.shared.state.lock().index.unpin(self.slot);
    }
}
