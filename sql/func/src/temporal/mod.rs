//! Functions of dates and times.
//!
//! ```text
//! Date      days since 1970-01-01, from 0000-01-01 to 9999-12-31
//! DateTime  microseconds since then, without a time zone
//! Time      microseconds, from -838:59:59 to 838:59:59
//! ```
//!
//! Not here: reading and printing them (`holdfast_value::temporal`).

pub(crate) mod calendar;
pub(crate) mod difference;
pub(crate) mod interval;
pub(crate) mod make;
pub(crate) mod now;
pub(crate) mod parse;
pub(crate) mod parts;
pub(crate) mod pattern;
pub(crate) mod unix;
