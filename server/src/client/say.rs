//! Printing for people and pipes: a reader that went away ends the printing, not the program.

use std::io::Write;

/// Prints `text` and a newline to stdout.
pub(super) fn say(text: impl std::fmt::Display) {
    // A closed pipe is the reader's wish (`| head`); there is nobody left to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints `text` and a newline to stderr.
pub(super) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
