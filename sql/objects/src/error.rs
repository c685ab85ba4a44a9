//! Why a table's objects could not be read or written.

use arrow::error::ArrowError;
use holdfast_api::bucket::BucketError;
use holdfast_base::Remedy;
use holdfast_value::ValueError;
use parquet::errors::ParquetError;

use crate::ObjectId;

/// Why a table's objects could not be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum ObjectsError {
    /// The bucket did not give or take the bytes.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// An object's bytes are not what a writer of this crate makes.
    #[error("object {object}: {what}")]
    Format { object: ObjectId, what: String },
    /// Rows that do not follow the ones before, or that are not of the table's shape.
    #[error("rows for an object: {0}")]
    Input(String),
    /// A slot that the table has not.
    #[error("the table has {slots} slots, {given} was asked for")]
    Slot { slots: usize, given: usize },
    /// An object that the manifest does not name.
    #[error("the manifest does not name object {0}")]
    Unknown(ObjectId),
    /// A value that is not of its column's type.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Bytes or columns that parquet refuses.
    #[error("parquet: {0}")]
    Parquet(ParquetError),
    /// Columns that arrow refuses to put together.
    #[error("could not put columns together")]
    Columns(#[source] ArrowError),
}

impl ObjectsError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Bucket(source) => source.remedy(),
            Self::Slot { .. } | Self::Unknown(_) => Remedy::Refuse,
            Self::Format { .. }
            | Self::Input(_)
            | Self::Value(_)
            | Self::Parquet(_)
            | Self::Columns(_) => Remedy::Stop,
        }
    }
}

impl From<ParquetError> for ObjectsError {
    /// What the bucket said stays what the bucket said on its way through parquet.
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<BucketError>() {
                Ok(bucket) => Self::Bucket(*bucket),
                Err(source) => Self::Parquet(ParquetError::External(source)),
            },
            other => Self::Parquet(other),
        }
    }
}

impl From<ArrowError> for ObjectsError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::ExternalError(source) => match source.downcast::<ParquetError>() {
                Ok(parquet) => (*parquet).into(),
                Err(source) => Self::Columns(ArrowError::ExternalError(source)),
            },
            other => Self::Columns(other),
        }
    }
}
