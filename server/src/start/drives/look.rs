//! What stands at a drive's path: opens the directory, reads its identity.
//!
//! - O1: looking writes nothing but what `io` needs to find out whether it may write.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use holdfast_base::ClusterId;
use holdfast_ec::shard::identity::{self, Identity, IdentityError};
use holdfast_io::disk::{Backend, DiskErrorKind, Drive, OpenError, Opened};
use holdfast_io::host::{self, PlaceKind};

use super::plan::{Found, Stands};
use crate::start::{advice, plain, what_helps};

/// What may lie in a vacant drive directory: a file system's own, and one of
/// the metadata's replicas.
const BESIDES: [&str; 3] = ["lost+found", "meta", "reserve"];

/// A path that was looked at, opened if it can serve.
#[derive(Debug)]
pub struct Looked {
    /// What stands there.
    pub found: Found,
    /// The open directory.
    pub opened: Option<Opened>,
    /// Its identity, if it is a drive of this cluster.
    pub identity: Option<Identity>,
    /// A file system begins there.
    pub mounted: bool,
}

/// Looks at `path` (without links: see [`host::canonical`]).
pub async fn look(path: PathBuf, cluster: ClusterId, backend: Backend) -> Looked {
    let nothing = |stands, inode| Looked {
        found: Found { path: path.clone(), inode, stands },
        opened: None,
        identity: None,
        mounted: false,
    };
    let place = match host::place(&path) {
        Ok(Some(place)) => place,
        Ok(None) => return nothing(Stands::Absent, None),
        Err(error) => return nothing(by_kind(DiskErrorKind::of(&error), advice(&error)), None),
    };
    let inode = Some((place.device, place.inode));
    if place.kind == PlaceKind::Other {
        return nothing(Stands::Wrong("not a directory".into()), inode);
    }
    let opened = match holdfast_io::disk::open(&path, backend) {
        Ok(opened) => opened,
        Err(error) => return nothing(unopened(error), inode),
    };
    let mounted = place.is_mount_point;
    let (stands, identity) = identify(&opened.drive, &path, cluster, mounted).await;
    let opened = matches!(stands, Stands::Ours { .. } | Stands::Vacant { .. }).then_some(opened);
    Looked { found: Found { path, inode, stands }, opened, identity, mounted }
}

async fn identify(
    drive: &Drive,
    path: &Path,
    cluster: ClusterId,
    mounted: bool,
) -> (Stands, Option<Identity>) {
    let stands = match identity::read(drive).await {
        Ok(found) if found.cluster == cluster => {
            return (Stands::Ours { id: found.drive }, Some(found));
        }
        Ok(found) => Stands::Wrong(format!(
            "it belongs to another cluster ({}), this one is {cluster}: give a drive of this \
             cluster or an empty directory",
            found.cluster
        )),
        Err(IdentityError::Missing { .. }) => match host::is_vacant(path, &BESIDES) {
            Ok(true) => Stands::Vacant { mounted },
            Ok(false) => Stands::Wrong(
                "it is no drive of Holdfast and not empty: give an empty directory".into(),
            ),
            Err(error) => by_kind(DiskErrorKind::of(&error), advice(&error)),
        },
        Err(IdentityError::Format { found, .. }) => Stands::Wrong(format!(
            "it has drive format {found}, this version knows {}: run the version of Holdfast \
             that wrote it",
            identity::FORMAT
        )),
        Err(IdentityError::Disk { source, .. }) => by_kind(source.kind, advice(&source.source)),
        Err(IdentityError::Damaged { what, .. }) => Stands::Unusable(format!(
            "its drive.json is damaged: {what}; empty the directory to have the drive healed"
        )),
        Err(error) => Stands::Wrong(error.to_string()),
    };
    (stands, None)
}

fn unopened(error: OpenError) -> Stands {
    let unusable = |what: &str, kind| Stands::Unusable(format!("{what}{}", what_helps(kind)));
    match error {
        OpenError::NotFound { .. } => Stands::Absent,
        OpenError::NotADirectory { .. } => Stands::Wrong("not a directory".into()),
        OpenError::Denied { .. } => unusable("permission denied", ErrorKind::PermissionDenied),
        OpenError::ReadOnly { .. } => {
            unusable("the file system is read-only", ErrorKind::ReadOnlyFilesystem)
        }
        OpenError::Full { .. } => unusable("no space left on the device", ErrorKind::StorageFull),
        OpenError::NoUring { why, .. } => {
            Stands::Wrong(format!("--io uring: io_uring is not available: {why}"))
        }
        OpenError::Io { source, .. } => Stands::Broken(plain(&source)),
    }
}

fn by_kind(kind: DiskErrorKind, what: String) -> Stands {
    match kind {
        DiskErrorKind::Denied | DiskErrorKind::ReadOnly | DiskErrorKind::Full => {
            Stands::Unusable(what)
        }
        _ => Stands::Broken(what),
    }
}
