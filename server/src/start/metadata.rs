//! Where the metadata lies: chosen once, on the first start, by the devices of the drives.
//!
//! ```text
//! drives on 1 or 2 devices     one voter, files in DIR/meta
//! drives on 3 or more          three voters, each in `meta/` on a drive of its own device
//! ```
//!
//! Two devices gain nothing: a majority of two is two.
//!
//! - W1: a voter's folder is made anew, and a voter in it, only inside a drive of this
//!   cluster that is online: never in the mount point of a file system that is away.
//!
//! Not here: what the voters do, and how a lost one is replaced (`meta`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use holdfast_io::disk::Backend;
use holdfast_io::host;
use holdfast_meta::{Ground, Place};

use super::drives::Fleet;
use super::error::{StartError, plain};

/// The drives, once they are open: they are opened after the metadata.
pub type Drives = Arc<OnceLock<Weak<Fleet>>>;

/// What every drive of ours has.
const DRIVE_FILE: &str = "drive.json";
/// The folder of a voter's files.
const FOLDER: &str = "meta";
/// Voters where there are devices enough.
const VOTERS: usize = 3;

/// The directories of the voters of a new cluster.
///
/// # Errors
/// [`StartError::Drive`] if a drive cannot be looked at.
pub fn choose(data: &Path, drives: &[PathBuf]) -> Result<Vec<PathBuf>, StartError> {
    let mut devices = BTreeSet::new();
    let mut voters = Vec::new();
    for drive in drives {
        let looked = host::place(drive);
        let place = looked
            .map_err(|error| StartError::Drive { path: drive.clone(), what: plain(&error) })?;
        if place.is_some_and(|place| devices.insert(place.device)) {
            voters.push(drive.join(FOLDER));
        }
    }
    if voters.len() >= VOTERS {
        voters.truncate(VOTERS);
        return Ok(voters);
    }
    let folder = data.join(FOLDER);
    let devices = if devices.len() == 1 { "one device" } else { "two devices" };
    tracing::warn!(
        "the drives are on {devices}: the metadata has one replica, in {}, and losing \
         that device loses everything (drives on three devices carry three)",
        folder.display()
    );
    Ok(vec![data.join(FOLDER)])
}

/// The place of the voter in the folder `path`.
pub fn place(path: PathBuf, backend: Backend, drives: Drives) -> Place {
    Place::new(&path.display().to_string(), move || {
        let fleet = drives.get().and_then(Weak::upgrade);
        let drive = path.parent().unwrap_or(&path);
        // W1. The fleet may not have noticed yet that the drive is gone: its file tells.
        let is_there = host::read_small(&drive.join(DRIVE_FILE)).is_ok();
        let may_format = is_there && fleet.is_some_and(|fleet| fleet.is_online(drive));
        if may_format {
            let erred = |error| format!("{}: {}", path.display(), plain(&error));
            host::create_directories(&path).map_err(erred)?;
        }
        let opened = holdfast_io::disk::open(&path, backend).map_err(|error| error.to_string())?;
        Ok(Ground { drive: opened.drive, may_format })
    })
}

/// False while the drive that the voter's folder `path` lies on is out. True for a folder on
/// no drive, and before there are drives.
pub fn is_reachable(path: &Path, drives: &Drives) -> bool {
    let Some(fleet) = drives.get().and_then(Weak::upgrade) else { return true };
    let drive = path.parent().unwrap_or(path);
    !fleet.has(drive) || fleet.is_online(drive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_device_means_one_voter_in_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        let drives: Vec<_> = ["a", "b", "c"].iter().map(|name| dir.path().join(name)).collect();
        drives.iter().for_each(|path| host::create_directories(path).unwrap());
        assert_eq!(choose(dir.path(), &drives).unwrap(), [dir.path().join("meta")]);
        // /proc, /dev and a temporary directory are three devices anywhere.
        let spread = [drives[0].clone(), "/proc".into(), "/dev".into(), drives[1].clone()];
        let want = [drives[0].join("meta"), "/proc/meta".into(), "/dev/meta".into()];
        assert_eq!(choose(dir.path(), &spread).unwrap(), want);
    }
}
