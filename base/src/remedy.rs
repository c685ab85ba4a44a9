//! The one question that a caller asks of an error: what now?

/// What the caller of something that went wrong should do next.
/// Callers branch on this, never on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try the same thing again, after a pause and within a budget.
    RetryHere,
    /// Another drive, replica or node may do it.
    TryElsewhere,
    /// The stored copy is bad: answer from the others and heal it.
    Rebuild,
    /// The request cannot be served as it stands; tell the client why.
    Refuse,
    /// Our own reasoning or our device is broken: fence it, go no further.
    Stop,
}
