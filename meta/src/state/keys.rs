//! Access keys for S3 besides root's.

use holdfast_api::meta::{AccessKey, Outcome, Refusal};

use super::error::{Stop, bad};
use super::tables;
use super::txn::Txn;

/// The longest public half. [bytes]
const ID_BYTES_MAX: usize = 128;

/// See `Command::PutAccessKey`.
pub fn put(txn: &mut Txn<'_>, key: AccessKey) -> Result<Outcome, Stop> {
    if key.id.is_empty() || key.id.len() > ID_BYTES_MAX {
        return Err(bad(format!("an access key has 1 to {ID_BYTES_MAX} bytes")));
    }
    txn.put(&tables::access_key(&key.id), &key)?;
    Ok(Outcome::Done)
}

/// See `Command::DeleteAccessKey`.
pub fn delete(txn: &mut Txn<'_>, id: &str) -> Result<Outcome, Stop> {
    if txn.remove(&tables::access_key(id))? {
        Ok(Outcome::Done)
    } else {
        Err(Refusal::NoSuchKey.into())
    }
}
