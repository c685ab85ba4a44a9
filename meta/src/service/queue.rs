//! What waits to be proposed: three classes, each bounded, taken from in turn.
//! Pure but for the channels that answers go through.
//!
//! - B1: a class at its bound refuses; it never takes room from another.
//! - B2: while others wait, no class gets more than its share of an entry: a storm
//!   of PUTs delays a COMMIT by one entry at most.
//! - B3: an entry has at most one `LogAppend` (`state::entry`, E1).

use std::collections::VecDeque;

use holdfast_api::meta::{Command, MetaError, Outcome};
use holdfast_base::limits::ENTRY_BYTES_MAX;
use tokio::sync::oneshot;

/// Commands of one class that may wait.
const COMMANDS_MAX: usize = if cfg!(test) { 64 } else { 4096 };

/// Bytes of one class that may wait.
const BYTES_MAX: usize = 32 << 20;

/// Who waits, and how many of it are taken in one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Class {
    /// Objects, uploads, buckets, keys.
    User = 0,
    /// The transaction log.
    Log = 1,
    /// Heal, garbage, drives, intents: what frees room or keeps data safe.
    Background = 2,
}

/// Commands of each class taken in one turn.
const SHARES: [usize; 3] = [4, 1, 1];

/// A command that waits for its outcome.
#[derive(Debug)]
pub struct Waiting {
    /// The command, encoded.
    pub command: Vec<u8>,
    /// It is a `LogAppend`.
    pub is_append: bool,
    /// Where its outcome goes.
    pub answer: oneshot::Sender<Result<Outcome, MetaError>>,
}

/// See the module's header.
#[derive(Debug, Default)]
pub struct Queue {
    classes: [Line; 3],
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Class {
    /// The class of a command.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::CreateBucket { .. }
            | Command::DeleteBucket { .. }
            | Command::PutObject(_)
            | Command::SetAttributes { .. }
            | Command::CreateUpload(_)
            | Command::PutPart(_)
            | Command::CompleteUpload { .. }
            | Command::PutAccessKey(_)
            | Command::ExtendBody { .. } => Self::User,
            Command::LogGrant | Command::LogAppend { .. } | Command::LogTruncate { .. } => {
                Self::Log
            }
            Command::DeleteObjects { .. }
            | Command::AbortUpload { .. }
            | Command::DeleteAccessKey { .. }
            | Command::RenewIntent { .. }
            | Command::PutDrive { .. }
            | Command::SetHealing { .. }
            | Command::ReportMissing { .. }
            | Command::SetBlob { .. }
            | Command::ForgetGarbage { .. } => Self::Background,
        }
    }
}

impl Queue {
    /// Puts a command in line.
    ///
    /// # Errors
    /// `Busy` (B1), `TooLarge`.
    pub fn push(&mut self, class: Class, waiting: Waiting) -> Result<(), MetaError> {
        let line = &mut self.classes[class as usize];
        let bytes = waiting.command.len();
        if bytes > ENTRY_BYTES_MAX {
            return Err(MetaError::TooLarge(bytes));
        }
        if line.waiting.len() >= COMMANDS_MAX || line.bytes + bytes > BYTES_MAX {
            let why = format!("{} commands wait", line.waiting.len());
            return Err(MetaError::Busy(why));
        }
        line.bytes += bytes;
        line.waiting.push_back(waiting);
        Ok(())
    }

    /// Puts commands back at the head of their line, in their order.
    pub fn push_front(&mut self, class: Class, commands: Vec<Waiting>) {
        let line = &mut self.classes[class as usize];
        for waiting in commands.into_iter().rev() {
            line.bytes += waiting.command.len();
            line.waiting.push_front(waiting);
        }
    }

    /// The commands of one entry, at most `commands_max` of them (B2, B3).
    pub fn take(&mut self, commands_max: usize) -> Vec<Waiting> {
        let (mut taken, mut bytes, mut appends) = (Vec::new(), 0, 0);
        loop {
            let before = taken.len();
            for (line, share) in self.classes.iter_mut().zip(SHARES) {
                for _ in 0..share {
                    let fits = line.waiting.front().is_some_and(|next| {
                        taken.is_empty() || bytes + next.command.len() <= ENTRY_BYTES_MAX
                    });
                    let one_append =
                        !line.waiting.front().is_some_and(|next| next.is_append && appends > 0);
                    if !fits || !one_append || taken.len() >= commands_max {
                        break;
                    }
                    if let Some(waiting) = line.waiting.pop_front() {
                        line.bytes -= waiting.command.len();
                        bytes += waiting.command.len();
                        appends += usize::from(waiting.is_append);
                        taken.push(waiting);
                    }
                }
            }
            if taken.len() == before {
                return taken;
            }
        }
    }

    /// Answers everything that waits with `error`.
    pub fn refuse_all(&mut self, error: &MetaError) {
        for line in &mut self.classes {
            line.bytes = 0;
            for waiting in line.waiting.drain(..) {
                // Who stopped waiting does not need the answer.
                let _ = waiting.answer.send(Err(error.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize, is_append: bool) -> Waiting {
        let (answer, _) = oneshot::channel();
        Waiting { command: vec![0; bytes], is_append, answer }
    }

    #[test]
    fn a_storm_of_puts_does_not_delay_a_commit() {
        let mut queue = Queue::default();
        for _ in 0..20 {
            queue.push(Class::User, waiting(ENTRY_BYTES_MAX / 8, false)).unwrap();
        }
        queue.push(Class::Log, waiting(100, true)).unwrap();
        queue.push(Class::Log, waiting(100, true)).unwrap();
        queue.push(Class::Background, waiting(100, false)).unwrap();
        let first = queue.take(100);
        assert_eq!(first.iter().filter(|w| w.is_append).count(), 1, "B3");
        assert!(first.iter().map(|w| w.command.len()).sum::<usize>() <= ENTRY_BYTES_MAX);
        assert_eq!(first.iter().filter(|w| w.command.len() == 100).count(), 2, "B2: both classes");
        assert!(queue.take(100).iter().any(|w| w.is_append), "B2: the next entry has the next");
    }

    #[test]
    fn a_full_class_refuses_and_leaves_the_others_alone() {
        let mut queue = Queue::default();
        for _ in 0..COMMANDS_MAX {
            queue.push(Class::User, waiting(1, false)).unwrap();
        }
        let refused = queue.push(Class::User, waiting(1, false));
        assert!(matches!(refused, Err(MetaError::Busy(_))), "B1: {refused:?}");
        queue.push(Class::Background, waiting(1, false)).unwrap();
        let big = queue.push(Class::Log, waiting(ENTRY_BYTES_MAX + 1, true));
        assert_eq!(big, Err(MetaError::TooLarge(ENTRY_BYTES_MAX + 1)));
    }
}
