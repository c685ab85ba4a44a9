//! Which replica a directory holds, and how far its making went.
//!
//! ```text
//! replica   crc32, format, cluster id 16, number u64, stage u8
//!
//! nothing --> clearing --> fresh --------> begun
//!             files of an  no file but     its log and vote are there, and
//!             earlier one  this one        were: it may have voted
//!             may be left
//! ```
//!
//! - H1: from `begun` on, a log or vote that is not there was lost: the replica does
//!   not run, for it could vote again, or forget what it acknowledged.
//! - H2: a replica's number is overwritten (`clearing`) before its files go, so that
//!   no crash leaves a directory that may run under the old number.

use holdfast_base::ClusterId;
use holdfast_base::checksum::crc32;
use holdfast_io::disk::{DiskError, DiskErrorKind, Drive, FileName};

const FORMAT: u8 = 2;

/// Bytes after the checksum.
const LEN: usize = 1 + 16 + 8 + 1;

/// How far the making of a replica went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Files of another replica may be left.
    Clearing = 0,
    /// Nothing but the identity: it never ran.
    Fresh = 1,
    /// Its log and vote are there.
    Begun = 2,
}

/// What a directory says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing of a replica.
    Nothing,
    /// A replica of this cluster.
    Replica {
        /// Its number.
        id: u64,
        /// How far it came.
        stage: Stage,
    },
    /// A replica's files that cannot be trusted.
    Damaged {
        /// Its number, where that can be read.
        id: Option<u64>,
        /// What is wrong.
        why: String,
    },
    /// Another cluster's, or of another format: not ours to touch.
    Foreign(String),
}

fn file() -> FileName {
    FileName::new("replica").expect("seven lower-case letters")
}

/// True for the names of a replica's files, its identity apart.
fn is_ours(name: &FileName) -> bool {
    let name = name.as_str();
    name == "vote" || name == "store" || name.starts_with("log-") || name.starts_with("store-")
}

/// Reads what `drive` holds.
///
/// # Errors
/// The disk.
pub async fn look(drive: &Drive, cluster: ClusterId) -> Result<Found, DiskError> {
    let bytes = match drive.load(file()).await {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind == DiskErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let names: Vec<FileName> =
        drive.list().await?.into_iter().map(|(name, _)| name).filter(is_ours).collect();
    let damaged = |id, why: &str| Found::Damaged { id, why: why.to_owned() };
    let Some(bytes) = bytes else {
        return Ok(if names.is_empty() {
            Found::Nothing
        } else {
            damaged(None, "the file that says which replica it is is gone")
        });
    };
    let (id, stage) = match decode(&bytes, cluster) {
        Ok(read) => read,
        Err(found) => return Ok(found),
    };
    let has_log = names.iter().any(|name| name.as_str().starts_with("log-"));
    let has_vote = names.iter().any(|name| name.as_str() == "vote");
    if stage == Stage::Begun && !(has_log && has_vote) {
        let what = if has_log { "its vote is gone" } else { "its log is gone" };
        return Ok(damaged(Some(id), what)); // H1
    }
    Ok(Found::Replica { id, stage })
}

fn decode(bytes: &[u8], cluster: ClusterId) -> Result<(u64, Stage), Found> {
    let damaged = |why: &str| Found::Damaged { id: None, why: why.to_owned() };
    let whole =
        bytes.split_at_checked(4).filter(|(crc, rest)| crc == &crc32(&[rest]).to_le_bytes());
    let Some((_, rest)) = whole else {
        return Err(damaged("the file that says which replica it is does not verify"));
    };
    if rest.first() != Some(&FORMAT) || rest.len() != LEN {
        let format = rest.first().copied().unwrap_or(0);
        let why = format!("replica format {format}, this build knows {FORMAT}");
        return Err(Found::Foreign(why));
    }
    if rest[1..17] != cluster.0 {
        let other: String = rest[1..17].iter().map(|byte| format!("{byte:02x}")).collect();
        let why = format!("it is of cluster {other}, this one is {cluster}");
        return Err(Found::Foreign(why));
    }
    let id = rest[17..25].try_into().map(u64::from_le_bytes).unwrap_or(0);
    let stages = [Stage::Clearing, Stage::Fresh, Stage::Begun];
    let stage = stages.into_iter().find(|stage| *stage as u8 == rest[25]);
    Ok((id, stage.ok_or_else(|| damaged("its stage is none that there is"))?))
}

/// Writes down that `drive` holds replica `id` of `cluster`.
///
/// # Errors
/// The disk.
pub async fn write(
    drive: &Drive,
    cluster: ClusterId,
    id: u64,
    stage: Stage,
) -> Result<(), DiskError> {
    let mut bytes = vec![0; 4];
    bytes.push(FORMAT);
    bytes.extend_from_slice(&cluster.0);
    bytes.extend_from_slice(&id.to_le_bytes());
    bytes.push(stage as u8);
    let crc = crc32(&[&bytes[4..]]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    drive.replace(file(), bytes).await
}

/// Makes `drive` the place of the fresh replica `id`, whatever replica was there (H2).
///
/// # Errors
/// The disk; done again, it goes on where it was.
pub async fn format(drive: &Drive, cluster: ClusterId, id: u64) -> Result<(), DiskError> {
    write(drive, cluster, id, Stage::Clearing).await?;
    for (name, _) in drive.list().await? {
        if is_ours(&name) {
            drive.remove(name).await?;
        }
    }
    write(drive, cluster, id, Stage::Fresh).await
}
