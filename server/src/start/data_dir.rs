//! The data directory: its lock, and the file that says which cluster this is.
//!
//! ```text
//! DIR/lock          held while the server runs
//! DIR/cluster       JSON: identity, where the metadata lies, what this node knows of its drives
//! DIR/credentials   DIR/secret.key   DIR/endpoint   DIR/meta/   DIR/drive1 .. drive6
//! ```
//!
//! - N1: the cluster file is written before anything is formatted, and every
//!   directory is made before it: a first start that was cut off is taken up again.
//! - N2: what it says about drives is this node's memory (path, id, whether a
//!   file system was mounted there); which drive is in which slot is the metadata's word.
//!
//! Not here: what stands in the drive directories (`drives`).

use std::path::{Path, PathBuf};

use holdfast_base::{ClusterId, DriveId, Geometry, NodeId};
use holdfast_io::host::{self, DirectoryLock, PlaceKind};
use serde::{Deserialize, Serialize};

use super::error::{StartError, advice, plain};

const FILE: &str = "cluster";
const FORMAT: u32 = 1;

/// The data directory, held.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: DirectoryLock,
}

/// What the cluster file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Version of this file's format.
    format: u32,
    /// Which cluster.
    #[serde(with = "text")]
    pub cluster: ClusterId,
    /// Which node of it.
    #[serde(with = "text")]
    pub node: NodeId,
    /// The geometry last started with, for starts that name none.
    #[serde(with = "text")]
    pub geometry: Geometry,
    /// The directories of the metadata's voters: one, or three.
    pub meta: Vec<PathBuf>,
    /// The drives of this node.
    pub drives: Vec<KnownDrive>,
}

/// What this node remembers of one drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDrive {
    /// Where.
    pub path: PathBuf,
    /// Its formatting.
    #[serde(with = "text")]
    pub id: DriveId,
    /// A file system was mounted there.
    pub mounted: bool,
    /// It was missing when last looked for: it may lack shards when it is back.
    pub missing: bool,
}

impl DataDirectory {
    /// Takes `path`, made if need be.
    ///
    /// # Errors
    /// [`StartError::DataInUse`], [`StartError::DataDirectory`].
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let erred = |error: &std::io::Error| StartError::DataDirectory {
            path: path.into(),
            what: advice(error),
        };
        match host::place(path).map_err(|error| erred(&error))? {
            Some(place) if place.kind == PlaceKind::Other => {
                return Err(StartError::DataDirectory {
                    path: path.into(),
                    what: "not a directory: give a directory, or a path where one can be made"
                        .into(),
                });
            }
            Some(_) => {}
            None => host::create_directories(path).map_err(|error| erred(&error))?,
        }
        let path = host::canonical(path).map_err(|error| erred(&error))?;
        match DirectoryLock::take(&path.join("lock")).map_err(|error| erred(&error))? {
            Some(lock) => Ok(Self { path, _lock: lock }),
            None => Err(StartError::DataInUse { path }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the cluster file says; `None` before the first start.
    ///
    /// # Errors
    /// [`StartError::BadFile`] for one that is unreadable or of another format.
    pub fn cluster(&self) -> Result<Option<Cluster>, StartError> {
        let path = self.path.join(FILE);
        let bad = |what: String| StartError::BadFile { path: path.clone(), what };
        let bytes = match host::read_small(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(bad(plain(&error))),
        };
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error: serde_json::Error| bad(format!("not a cluster file: {error}"));
        let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format != FORMAT {
            let what = format!(
                "format {format} is not known to this version, which has {FORMAT}: run the version \
                 of Holdfast that wrote it"
            );
            return Err(bad(what));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// Writes the cluster file (N1).
    ///
    /// # Errors
    /// [`StartError::BadFile`].
    pub fn keep(&self, cluster: &Cluster) -> Result<(), StartError> {
        let path = self.path.join(FILE);
        let bytes = serde_json::to_vec_pretty(cluster).unwrap_or_default();
        host::replace_small(&path, &bytes)
            .map_err(|error| StartError::BadFile { path, what: advice(&error) })
    }
}

impl KnownDrive {
    /// A drive that is there.
    pub fn new(path: PathBuf, id: DriveId, mounted: bool) -> Self {
        Self { path, id, mounted, missing: false }
    }
}

impl Cluster {
    /// A cluster that is being born.
    pub fn new(cluster: ClusterId, node: NodeId, geometry: Geometry) -> Self {
        Self { format: FORMAT, cluster, node, geometry, meta: Vec::new(), drives: Vec::new() }
    }

    /// What is remembered of the drive at `path`.
    pub fn known(&self, path: &Path) -> Option<&KnownDrive> {
        self.drives.iter().find(|drive| drive.path == path)
    }

    /// Remembers a drive, in the place of whatever was known at its path. True if that is news.
    pub fn remember(&mut self, drive: KnownDrive) -> bool {
        if self.drives.contains(&drive) {
            return false;
        }
        self.drives.retain(|known| known.path != drive.path && known.id != drive.id);
        self.drives.push(drive);
        true
    }
}

/// Ids and geometries as the text that they show.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(it: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(it)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_held_once_and_remembers() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirectory::open(&dir.path().join("new")).unwrap();
        let said = DataDirectory::open(&dir.path().join("new")).unwrap_err().to_string();
        assert!(said.ends_with("is in use by another holdfast server"), "{said}");
        assert_eq!(held.cluster().unwrap(), None);
        let mut cluster = Cluster::new(ClusterId([1; 16]), NodeId([2; 16]), "4+2".parse().unwrap());
        assert!(cluster.remember(KnownDrive::new("/a".into(), DriveId([3; 16]), true)));
        assert!(cluster.remember(KnownDrive::new("/a".into(), DriveId([4; 16]), false)));
        held.keep(&cluster).unwrap();
        assert_eq!(held.cluster().unwrap().as_ref(), Some(&cluster));
        assert_eq!(cluster.drives.len(), 1);
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirectory::open(dir.path()).unwrap();
        host::replace_small(&dir.path().join(FILE), b"{\"format\": 9, \"later\": 1}").unwrap();
        let said = held.cluster().unwrap_err().to_string();
        assert!(said.contains("format 9 is not known"), "{said}");
        host::replace_small(&dir.path().join(FILE), b"\0\0").unwrap();
        assert!(held.cluster().unwrap_err().to_string().contains("not a cluster file"));
        let said = DataDirectory::open(&dir.path().join(FILE)).unwrap_err().to_string();
        assert!(said.contains("not a directory"), "{said}");
    }
}
