//! `drive.json`: which drive this directory is.
//!
//! ```text
//! {"format":1,"cluster":"<32 hex>","drive":"<32 hex>","no":3,"mount_point":false,"crc32":"<8 hex>"}
//! ```
//!
//! The checksum is over `format cluster drive no mount_point`, as shown in the file,
//! with single spaces between. The file is replaced as a whole (`io` contract D3).
//!
//! Not here: when it is looked at again (`watch`), what the directory holds besides (`segment`).

use holdfast_base::checksum::crc32;
use holdfast_base::{ClusterId, DriveId, DriveNo, Remedy};
use holdfast_io::disk::{DiskError, DiskErrorKind, Drive, FileName};
use serde::{Deserialize, Serialize};

/// The version of a drive directory's format.
pub const FORMAT: u32 = 1;

/// Who a drive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The deployment that it belongs to.
    pub cluster: ClusterId,
    /// This formatting of it.
    pub drive: DriveId,
    /// Its slot.
    pub no: DriveNo,
    /// True if its directory was a mount point when it was formatted: if it is
    /// none now, its file system is not mounted.
    pub mount_point: bool,
}

/// A directory that is not the drive that was asked for.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum IdentityError {
    /// No `drive.json`.
    #[error("{path} is not a drive of Holdfast: it has no {FILE}")]
    Missing { path: String },
    /// It does not parse, or not to its checksum.
    #[error("{path}/{FILE} is damaged: {what}")]
    Damaged { path: String, what: String },
    /// Written by a program of another format.
    #[error("{path} has drive format {found}, this program knows {FORMAT}")]
    Format { path: String, found: u64 },
    /// A drive of another deployment.
    #[error("{path} belongs to cluster {found}, not to {wanted}")]
    ForeignCluster { path: String, found: ClusterId, wanted: ClusterId },
    /// A drive of this deployment, in the wrong place.
    #[error("{path} is drive {found} of this cluster, not drive {wanted}")]
    OtherSlot { path: String, found: DriveNo, wanted: DriveNo },
    /// The right slot, another formatting.
    #[error("{path} was formatted anew: it is {found}, not {wanted}")]
    OtherDrive { path: String, found: DriveId, wanted: DriveId },
    /// There are files already where a drive was to be made.
    #[error("{path} is not empty: it has {file}")]
    NotEmpty { path: String, file: String },
    /// The disk below.
    #[error("{path}/{FILE} cannot be read or written: {source}", source = source.source)]
    Disk { path: String, source: DiskError },
}

const FILE: &str = "drive.json";

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    cluster: String,
    drive: String,
    no: u16,
    mount_point: bool,
    crc32: String,
}

impl IdentityError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Disk { source, .. } => source.remedy(),
            _ => Remedy::Refuse,
        }
    }
}

/// The identity file's name.
pub fn file_name() -> FileName {
    FileName::new(FILE).expect("a constant of legal letters")
}

/// Reads a drive's identity.
///
/// # Errors
/// `Missing`, `Damaged`, `Format`, `Disk`.
pub async fn read(drive: &Drive) -> Result<Identity, IdentityError> {
    let path = || drive.name().to_owned();
    match drive.load(file_name()).await {
        Ok(bytes) => parse(&bytes, drive.name()),
        Err(error) if error.kind == DiskErrorKind::NotFound => {
            Err(IdentityError::Missing { path: path() })
        }
        Err(source) => Err(IdentityError::Disk { path: path(), source }),
    }
}

/// Writes (or replaces) a drive's identity.
///
/// # Errors
/// `Disk`.
pub async fn write(drive: &Drive, identity: &Identity) -> Result<(), IdentityError> {
    drive
        .replace(file_name(), show(identity).into_bytes())
        .await
        .map_err(|source| IdentityError::Disk { path: drive.name().to_owned(), source })
}

/// Makes an empty directory a drive.
///
/// # Errors
/// `NotEmpty`, `Disk`.
pub async fn format(drive: &Drive, identity: &Identity) -> Result<(), IdentityError> {
    let path = || drive.name().to_owned();
    let files =
        drive.list().await.map_err(|source| IdentityError::Disk { path: path(), source })?;
    let ours = |name: &str| name == FILE || name.starts_with("segment-");
    if let Some((name, _)) = files.iter().find(|(name, _)| ours(name.as_str())) {
        return Err(IdentityError::NotEmpty { path: path(), file: name.to_string() });
    }
    write(drive, identity).await
}

impl Identity {
    /// Checks that this drive, found at `path`, is `wanted`'s cluster's and slot's.
    ///
    /// # Errors
    /// `ForeignCluster`, `OtherSlot`.
    pub fn check_slot(
        &self,
        path: &str,
        wanted: (ClusterId, DriveNo),
    ) -> Result<(), IdentityError> {
        let path = || path.to_owned();
        if self.cluster != wanted.0 {
            let (found, wanted) = (self.cluster, wanted.0);
            return Err(IdentityError::ForeignCluster { path: path(), found, wanted });
        }
        if self.no != wanted.1 {
            return Err(IdentityError::OtherSlot {
                path: path(),
                found: self.no,
                wanted: wanted.1,
            });
        }
        Ok(())
    }

    /// Checks that this drive, found at `path`, is `wanted` in this very formatting.
    ///
    /// # Errors
    /// `ForeignCluster`, `OtherSlot`, `OtherDrive`.
    pub fn check(&self, path: &str, wanted: &Identity) -> Result<(), IdentityError> {
        self.check_slot(path, (wanted.cluster, wanted.no))?;
        if self.drive != wanted.drive {
            let (found, wanted) = (self.drive, wanted.drive);
            return Err(IdentityError::OtherDrive { path: path.to_owned(), found, wanted });
        }
        Ok(())
    }
}

fn show(identity: &Identity) -> String {
    let mut stored = Stored {
        format: FORMAT,
        cluster: identity.cluster.to_string(),
        drive: identity.drive.to_string(),
        no: identity.no.0,
        mount_point: identity.mount_point,
        crc32: String::new(),
    };
    stored.crc32 = checksum(&stored);
    let mut text = serde_json::to_string(&stored).expect("strings and numbers encode");
    text.push('\n');
    text
}

fn checksum(stored: &Stored) -> String {
    let Stored { format, cluster, drive, no, mount_point, .. } = stored;
    let text = format!("{format} {cluster} {drive} {no} {mount_point}");
    format!("{:08x}", crc32(&[text.as_bytes()]))
}

fn parse(bytes: &[u8], path: &str) -> Result<Identity, IdentityError> {
    let damaged = |what: String| IdentityError::Damaged { path: path.to_owned(), what };
    // The version first: a later format may have other fields.
    let any: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    let found = any["format"].as_u64().ok_or_else(|| damaged("it has no format".into()))?;
    if found != u64::from(FORMAT) {
        return Err(IdentityError::Format { path: path.to_owned(), found });
    }
    let stored: Stored = serde_json::from_value(any).map_err(|error| damaged(error.to_string()))?;
    if stored.crc32 != checksum(&stored) {
        return Err(damaged(format!("its checksum is {}", checksum(&stored))));
    }
    Ok(Identity {
        cluster: stored.cluster.parse().map_err(|bad| damaged(format!("{bad}")))?,
        drive: stored.drive.parse().map_err(|bad| damaged(format!("{bad}")))?,
        no: DriveNo(stored.no),
        mount_point: stored.mount_point,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        cluster: ClusterId([0xaa; 16]),
        drive: DriveId([0xbb; 16]),
        no: DriveNo(3),
        mount_point: false,
    };

    #[test]
    fn the_file_is_this_text() {
        let text = show(&IDENTITY);
        assert_eq!(
            text,
            "{\"format\":1,\"cluster\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\
             \"drive\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"no\":3,\"mount_point\":false,\
             \"crc32\":\"GOLDEN\"}\n"
                .replace("GOLDEN", GOLDEN)
        );
        assert_eq!(parse(text.as_bytes(), "d").unwrap(), IDENTITY);
    }

    const GOLDEN: &str = "0c454c3b";

    #[test]
    fn every_other_text_is_refused_by_its_own_error() {
        let text = show(&IDENTITY);
        let damaged =
            |text: &str| matches!(parse(text.as_bytes(), "d"), Err(IdentityError::Damaged { .. }));
        assert!(damaged("") && damaged("{}") && damaged("[1]"));
        assert!(damaged(&text.replace("\"no\":3", "\"no\":4")), "the checksum covers the slot");
        let newer = text.replace("\"format\":1", "\"format\":2");
        assert!(matches!(
            parse(newer.as_bytes(), "d"),
            Err(IdentityError::Format { found: 2, .. })
        ));
        let slot = |cluster, no| IDENTITY.check_slot("d", (ClusterId([cluster; 16]), DriveNo(no)));
        assert!(slot(0xaa, 3).is_ok());
        assert!(matches!(slot(0xab, 3), Err(IdentityError::ForeignCluster { .. })));
        assert!(matches!(slot(0xaa, 4), Err(IdentityError::OtherSlot { .. })));
        let other = Identity { drive: DriveId([1; 16]), ..IDENTITY };
        assert!(matches!(other.check("d", &IDENTITY), Err(IdentityError::OtherDrive { .. })));
    }
}
