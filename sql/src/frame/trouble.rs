//! DataFusion's errors as MySQL's, and back.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use holdfast_value::ValueError;

use crate::error::SqlError;

/// An error on its way through DataFusion.
pub(crate) fn wrap(error: impl Into<SqlError>) -> DataFusionError {
    DataFusionError::External(Box::new(error.into()))
}

/// What a client is told of a failed plan.
pub(super) fn unwrap(error: &DataFusionError) -> SqlError {
    match error {
        DataFusionError::External(inner) => boxed(&**inner),
        DataFusionError::Context(_, inner) => unwrap(inner),
        DataFusionError::Shared(inner) => unwrap(inner),
        DataFusionError::Diagnostic(_, inner) => unwrap(inner),
        DataFusionError::ArrowError(inner, _) => match &**inner {
            ArrowError::ExternalError(inner) => boxed(&**inner),
            other => SqlError::internal(told(&other.to_string())),
        },
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => unwrap(first),
            None => SqlError::internal(error),
        },
        DataFusionError::ResourcesExhausted(what) => SqlError::new(
            1038,
            format!("Out of memory for this query, consider a smaller one ({what})"),
        ),
        DataFusionError::NotImplemented(what) if what.contains("retract_batch") => {
            SqlError::unsupported("this aggregate over a window frame that moves")
        }
        DataFusionError::NotImplemented(what) => SqlError::unsupported(told(what)),
        other => SqlError::internal(told(&other.to_string())),
    }
}

/// A message without DataFusion's address for reports: this is ours to mend.
fn told(message: &str) -> &str {
    let until = ["\nThis issue was likely caused by", "\n\nbacktrace:"]
        .iter()
        .filter_map(|mark| message.find(mark))
        .min();
    &message[..until.unwrap_or(message.len())]
}

fn boxed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> SqlError {
    if let Some(error) = error.downcast_ref::<SqlError>() {
        return error.clone();
    }
    if let Some(error) = error.downcast_ref::<ValueError>() {
        return error.clone().into();
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return unwrap(error);
    }
    if let Some(ArrowError::ExternalError(inner)) = error.downcast_ref::<ArrowError>() {
        return boxed(&**inner);
    }
    SqlError::internal(error)
}
