//! Parquet's readers count on offsets and lengths that they were told, and break off
//! with a panic where those are garbled. Bytes from the bucket are verified (B3), so
//! only a bug on the way brings such ones here; it costs a statement, not the process.
//!
//! Not here: our own reasoning. Nothing but calls into parquet is guarded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use crate::{ObjectId, ObjectsError};

/// A call into parquet over the bytes of an object. What a panic leaves behind must be
/// dropped, as after any error.
pub(crate) fn guarded<T>(
    object: ObjectId,
    call: impl FnOnce() -> Result<T, ObjectsError>,
) -> Result<T, ObjectsError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(broken(object)))
}

/// As [`guarded`], for a call that waits.
pub(crate) async fn guarded_wait<T>(
    object: ObjectId,
    call: impl Future<Output = Result<T, ObjectsError>>,
) -> Result<T, ObjectsError> {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| Err(broken(object)))
}

fn broken(object: ObjectId) -> ObjectsError {
    let what = "its bytes say what cannot be: parquet broke off".into();
    ObjectsError::Format { object, what }
}
