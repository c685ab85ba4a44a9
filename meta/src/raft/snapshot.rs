//! The store files of one replica: which one is the store, how another takes its place.
//!
//! ```text
//! store          crc32, format, number: names the file that is the store
//! store-<n>      the ordered store; others than the one named are leftovers
//! ```
//! A snapshot is a view of the rows, pinned. Its receiver writes the rows into a
//! fresh file, makes it durable, and only then lets the name point to it.
//!
//! - N1: the file that is named is durable and whole; the one before it is kept until then.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use holdfast_base::checksum::crc32;
use holdfast_io::disk::{DiskErrorKind, Drive, FileName};

use crate::state::txn::{Go, Rows};
use crate::state::{StateError, Store, View};

/// Rows of one step of a transfer. [bytes]
const CHUNK_BYTES: usize = if cfg!(test) { 4 << 10 } else { 1 << 20 };

const FORMAT: u8 = 1;

/// A snapshot on its way.
pub enum SnapshotData {
    /// At its sender: the rows of one moment.
    Held(View),
    /// At its receiver: a store that is durable and not named yet.
    Staged(Staged),
}

/// A store that waits to be named.
pub struct Staged {
    number: u64,
    store: Store,
}

impl std::fmt::Debug for SnapshotData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held(_) => f.write_str("Held"),
            Self::Staged(staged) => write!(f, "Staged({})", staged.number),
        }
    }
}

/// The store of one replica, which a snapshot may replace.
#[derive(Debug)]
pub struct Stores {
    drive: Drive,
    cache_bytes: usize,
    /// Guards which store is the one; readers take a clone.
    current: RwLock<Arc<Store>>,
    /// Guards the number of the newest file.
    newest: Mutex<u64>,
}

fn pointer() -> FileName {
    FileName::new("store").expect("five lower-case letters")
}

fn file(number: u64) -> FileName {
    FileName::new(&format!("store-{number:08}")).expect("letters, a dash and digits")
}

impl Stores {
    /// Opens the store on `drive`, or makes one.
    ///
    /// # Errors
    /// A damaged store or pointer, another format, the disk.
    pub async fn open(drive: Drive, cache_bytes: usize) -> Result<Self, StateError> {
        let named = match drive.load(pointer()).await {
            Ok(bytes) => Some(read_pointer(&bytes)?),
            Err(error) if error.kind == DiskErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut newest = named.unwrap_or(0);
        for (name, _) in drive.list().await? {
            let number = name.as_str().strip_prefix("store-").and_then(|n| n.parse::<u64>().ok());
            if let Some(number) = number.filter(|number| Some(*number) != named) {
                newest = newest.max(number);
                drive.remove(name).await?;
            }
        }
        let number = named.unwrap_or(newest + 1);
        let store = open_store(&drive, number, cache_bytes)?;
        if named.is_none() {
            drive.replace(pointer(), write_pointer(number)).await?;
        }
        let (current, newest) = (RwLock::new(Arc::new(store)), Mutex::new(newest.max(number)));
        Ok(Self { drive, cache_bytes, current, newest })
    }

    /// The store as it is now.
    pub fn current(&self) -> Arc<Store> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Copies a snapshot into a fresh file, step by step, durable at the end.
    ///
    /// # Errors
    /// Either disk.
    pub async fn stage(&self, held: &View) -> Result<Staged, StateError> {
        let number = {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            *newest += 1;
            *newest
        };
        let store = open_store(&self.drive, number, self.cache_bytes)?;
        let mut from = Vec::new();
        loop {
            let (rows, next) = chunk(held, from)?;
            super::machine::blocking(|| store.load(&rows, next.is_none()))?;
            match next {
                Some(next) => from = next,
                None => return Ok(Staged { number, store }),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Makes a staged store the store (N1).
    ///
    /// # Errors
    /// The disk.
    pub async fn switch(&self, staged: Staged) -> Result<Arc<Store>, StateError> {
        let before = match self.drive.load(pointer()).await {
            Ok(bytes) => read_pointer(&bytes)?,
            Err(error) => return Err(error.into()),
        };
        self.drive.replace(pointer(), write_pointer(staged.number)).await?;
        let store = Arc::new(staged.store);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = store.clone();
        // Readers of the old one keep its open file until they are done.
        self.drive.remove(file(before)).await?;
        Ok(store)
    }
}

/// Rows from `from` on, about `CHUNK_BYTES` of them, and where the next ones begin.
#[allow(clippy::type_complexity, reason = "rows, and the next key")]
fn chunk(
    view: &View,
    from: Vec<u8>,
) -> Result<(Vec<(Vec<u8>, Vec<u8>)>, Option<Vec<u8>>), StateError> {
    let (mut rows, mut bytes, mut next) = (Vec::new(), 0, None);
    view.scan((from, vec![0xff; 8]), |key, value| {
        if bytes >= CHUNK_BYTES {
            next = Some(key.to_vec());
            return Ok(Go::Stop);
        }
        bytes += key.len() + value.len();
        rows.push((key.to_vec(), value.to_vec()));
        Ok(Go::On)
    })?;
    Ok((rows, next))
}

fn open_store(drive: &Drive, number: u64, cache_bytes: usize) -> Result<Store, StateError> {
    let file = drive.disk().open_blocking(&file(number))?;
    super::machine::blocking(|| Store::open(file, cache_bytes))
}

fn write_pointer(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.push(FORMAT);
    bytes.extend_from_slice(&number.to_le_bytes());
    let crc = crc32(&[&bytes[4..]]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn read_pointer(bytes: &[u8]) -> Result<u64, StateError> {
    let bad = |why: &str| StateError::Pointer { file: "store", why: why.to_owned() };
    let (crc, rest) = bytes.split_at_checked(4).ok_or_else(|| bad("it is too short"))?;
    if crc != crc32(&[rest]).to_le_bytes() {
        return Err(bad("it does not verify"));
    }
    match rest.split_first() {
        Some((&FORMAT, number)) => {
            let number = number.try_into().map_err(|_| bad("it is too long"))?;
            Ok(u64::from_le_bytes(number))
        }
        Some((other, _)) => Err(bad(&format!("format {other}, this build knows {FORMAT}"))),
        None => Err(bad("it is too short")),
    }
}
